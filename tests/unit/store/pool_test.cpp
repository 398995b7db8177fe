#include "store/pool.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace imgsrv;

namespace {

// Every transaction that is committed loses against another one, for as long as `refusals` lasts.
struct Fake final : ports::Database {
    int refusals = 0;
    int commits = 0;
    bool away = false;

    struct Link final : ports::Connection {
        explicit Link(Fake& d) : database(d) {}
        Status begin(const ports::Call&, ports::Access) override { return {}; }
        Status commit(const ports::Call&) override {
            ++database.commits;
            if (database.refusals-- <= 0) return {};
            return Status(Code::aborted, "COMMIT: could not serialize access").with_db_class(DbClass::serialization);
        }
        Status rollback(const ports::Call&) override { return {}; }
        Status script(const ports::Call&, std::string_view) override { return {}; }
        Result<std::uint64_t> query(const ports::Call&, std::string_view, std::span<const ports::Param>,
                                    const ports::RowVisitor&) override {
            return std::uint64_t{0};
        }
        Status migration_lock(const ports::Call&) override { return {}; }
        Status migration_unlock(const ports::Call&) override { return {}; }
        Status reset(const ports::Call&) override { return {}; }
        void interrupt() override {}
        Status listen(const ports::Call&, std::string_view) override { return {}; }
        Result<std::string> next_notification(const ports::Call&) override { return std::string(); }

        Fake& database;
    };

    std::string_view dialect() const override { return "postgresql"; }
    bool concurrent_writers() const override { return true; }
    bool skip_locked() const override { return true; }
    bool can_listen() const override { return false; }
    Result<std::unique_ptr<ports::Connection>> connect(const ports::Call&) override {
        if (away) return Status(Code::unavailable, "away");
        return std::unique_ptr<ports::Connection>(std::make_unique<Link>(*this));
    }
    Status health(const ports::Call&) override { return {}; }
};

const auto kNothing = [](store::Transaction&) -> Status { return {}; };

}  // namespace

TEST_CASE("a transaction that lost against another one is run again") {
    Fake database;
    database.refusals = 3;
    store::Pool pool(database, {});
    CHECK(pool.write({}, kNothing).ok());
    CHECK(database.commits == 4);
}

TEST_CASE("one that loses for ever is told as a busy database, and nobody reads the database's words") {
    Fake database;
    database.refusals = 1'000;
    store::PoolOptions options;
    options.attempts = 3;
    store::Pool pool(database, options);
    const Status status = pool.write({}, kNothing);
    CHECK(status.code() == Code::unavailable);
    CHECK(status.retryable());
    CHECK(status.retry_after_ms() > 0);
    CHECK(status.message() == "the database is busy; try again shortly");
    CHECK_THAT(status.describe(), Catch::Contains("could not serialize access"));
    CHECK(database.commits == 3);
}

TEST_CASE("what the body says is not repeated") {
    Fake database;
    store::Pool pool(database, {});
    int runs = 0;
    const Status status = pool.write({}, [&](store::Transaction&) -> Status {
        ++runs;
        return {Code::failed_precondition, "no"};
    });
    CHECK(status.code() == Code::failed_precondition);
    CHECK(runs == 1);
    CHECK(database.commits == 0);
}

TEST_CASE("the pool counts who waits and who gives up") {
    Fake database;
    store::PoolOptions options;
    options.connections = 1;
    options.acquire_timeout = std::chrono::milliseconds(20);
    store::Pool pool(database, options);
    CHECK(pool.write({},
                     [&](store::Transaction&) -> Status {
                         CHECK(pool.stats().in_use == 1);
                         const Status second = pool.write({}, kNothing);
                         CHECK(second.code() == Code::unavailable);
                         CHECK(second.retry_after_ms() > 0);
                         return {};
                     })
              .ok());
    const auto stats = pool.stats();
    CHECK(stats.limit == 1);
    CHECK(stats.acquires == 2);
    CHECK(stats.empty_acquires == 1);
    CHECK(stats.canceled_acquires == 1);
    CHECK(stats.in_use == 0);
    CHECK(stats.idle == 1);
}
