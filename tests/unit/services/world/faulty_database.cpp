#include "world/faulty_database.h"

namespace imgsrv::test {
namespace {

// The one row of the clock.
struct ClockRow final : ports::Row {
    explicit ClockRow(Time t) : micros(to_micros(t)) {}
    std::size_t width() const override { return 1; }
    bool is_null(std::size_t) const override { return false; }
    std::int64_t integer(std::size_t) const override { return micros; }
    double real(std::size_t) const override { return static_cast<double>(micros); }
    bool boolean(std::size_t) const override { return true; }
    std::string_view text(std::size_t) const override { return {}; }

    const std::int64_t micros;
};

bool asks_for_the_time(std::string_view sql) {
    return sql.starts_with("SELECT CAST(unixepoch('now')");
}

class FaultyConnection final : public ports::Connection {
  public:
    FaultyConnection(FaultyDatabase& database, std::unique_ptr<ports::Connection> real)
        : database_(database), real_(std::move(real)) {}

    Status begin(const ports::Call& call, ports::Access access) override {
        const auto op = access == ports::Access::write ? DatabaseCall::begin_write : DatabaseCall::begin_read;
        return database_.faults().run(op, [&] { return real_->begin(call, access); });
    }
    Status commit(const ports::Call& call) override {
        return database_.faults().run(DatabaseCall::commit, [&] { return real_->commit(call); });
    }
    Status rollback(const ports::Call& call) override { return real_->rollback(call); }
    Status script(const ports::Call& call, std::string_view sql) override { return real_->script(call, sql); }
    Result<std::uint64_t> query(const ports::Call& call, std::string_view sql, std::span<const ports::Param> params,
                                const ports::RowVisitor& visit) override {
        if (asks_for_the_time(sql)) {
            IMGSRV_TRY(visit(ClockRow(database_.clock().now())));
            return std::uint64_t{1};
        }
        return database_.faults().run(DatabaseCall::query, [&] { return real_->query(call, sql, params, visit); });
    }
    Status migration_lock(const ports::Call& call) override { return real_->migration_lock(call); }
    Status migration_unlock(const ports::Call& call) override { return real_->migration_unlock(call); }
    Status reset(const ports::Call& call) override { return real_->reset(call); }
    void interrupt() override { real_->interrupt(); }
    Status listen(const ports::Call& call, std::string_view channel) override { return real_->listen(call, channel); }
    Result<std::string> next_notification(const ports::Call& call) override { return real_->next_notification(call); }

  private:
    FaultyDatabase& database_;
    std::unique_ptr<ports::Connection> real_;
};

}  // namespace

Result<std::unique_ptr<ports::Connection>> FaultyDatabase::connect(const ports::Call& call) {
    return faults_.run(DatabaseCall::connect, [&]() -> Result<std::unique_ptr<ports::Connection>> {
        IMGSRV_ASSIGN(auto real, real_.connect(call));
        return std::unique_ptr<ports::Connection>(std::make_unique<FaultyConnection>(*this, std::move(real)));
    });
}

}  // namespace imgsrv::test
