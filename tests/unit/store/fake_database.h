#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ports/database.h"

namespace imgsrv::test {

// The only row there is, of the clock.
struct Zero final : ports::Row {
    std::size_t width() const override { return 1; }
    bool is_null(std::size_t) const override { return false; }
    std::int64_t integer(std::size_t) const override { return 0; }
    double real(std::size_t) const override { return 0; }
    bool boolean(std::size_t) const override { return false; }
    std::string_view text(std::size_t) const override { return "0"; }
};

// A database without tables. Every commit ends in `refusal`, by default as lost against another transaction, for as
// long as `refusals` lasts.
struct FakeDatabase final : ports::Database {
    int refusals = 0;
    int commits = 0;
    int connects = 0;
    Status refusal = Status(Code::aborted, "COMMIT: could not serialize access").with_db_class(DbClass::serialization);
    bool away = false;
    std::string name = "postgresql";

    struct Link final : ports::Connection {
        explicit Link(FakeDatabase& d) : database(d) {}
        Status begin(const ports::Call&, ports::Access) override { return {}; }
        Status commit(const ports::Call&) override {
            ++database.commits;
            if (database.refusals-- <= 0) return {};
            return database.refusal;
        }
        Status rollback(const ports::Call&) override { return {}; }
        Status script(const ports::Call&, std::string_view) override { return {}; }
        Result<std::uint64_t> query(const ports::Call&, std::string_view sql, std::span<const ports::Param>,
                                    const ports::RowVisitor& visitor) override {
            if (sql.find("EPOCH") == std::string_view::npos) return std::uint64_t{0};
            IMGSRV_TRY(visitor(Zero()));
            return std::uint64_t{1};
        }
        Status migration_lock(const ports::Call&) override { return {}; }
        Status migration_unlock(const ports::Call&) override { return {}; }
        Status reset(const ports::Call&) override { return {}; }
        void interrupt() override {}
        Status listen(const ports::Call&, std::string_view) override { return {}; }
        Result<std::string> next_notification(const ports::Call&) override { return std::string(); }

        FakeDatabase& database;
    };

    std::string_view dialect() const override { return name; }
    bool concurrent_writers() const override { return true; }
    bool skip_locked() const override { return true; }
    bool can_listen() const override { return false; }
    Result<std::unique_ptr<ports::Connection>> connect(const ports::Call&) override {
        ++connects;
        if (away) return Status(Code::unavailable, "away");
        return std::unique_ptr<ports::Connection>(std::make_unique<Link>(*this));
    }
    Status health(const ports::Call&) override { return {}; }
};

}  // namespace imgsrv::test
