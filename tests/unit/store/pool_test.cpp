#include "store/pool.h"

#include <catch2/catch.hpp>
#include <thread>

#include "fake_database.h"

using namespace imgsrv;
using imgsrv::test::FakeDatabase;

namespace {

const auto kNothing = [](store::Transaction&) -> Status { return {}; };

}  // namespace

TEST_CASE("a transaction that lost against another one is run again") {
    FakeDatabase database;
    database.refusals = 3;
    const auto opened = store::Pool::open(database, {});
    store::Pool& pool = **opened;
    CHECK(pool.write({}, kNothing).ok());
    CHECK(database.commits == 4);
}

TEST_CASE("one that loses for ever is told as a busy database, and nobody reads the database's words") {
    FakeDatabase database;
    database.refusals = 1'000;
    store::PoolOptions options;
    options.attempts = 3;
    const auto opened = store::Pool::open(database, options);
    store::Pool& pool = **opened;
    const Status status = pool.write({}, kNothing);
    CHECK(status.code() == Code::unavailable);
    CHECK(status.retryable());
    CHECK(status.retry_after_ms() > 0);
    CHECK(status.message() == "the database is busy; try again shortly");
    CHECK_THAT(status.describe(), Catch::Contains("could not serialize access"));
    CHECK(database.commits == 3);
}

TEST_CASE("what the body says is not repeated") {
    FakeDatabase database;
    const auto opened = store::Pool::open(database, {});
    store::Pool& pool = **opened;
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
    FakeDatabase database;
    store::PoolOptions options;
    options.connections = 1;
    options.acquire_timeout = std::chrono::milliseconds(20);
    const auto opened = store::Pool::open(database, options);
    store::Pool& pool = **opened;
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

TEST_CASE("a dialect that the host has no SQL for is refused by name") {
    FakeDatabase database;
    database.name = "oracle";
    const auto pool = store::Pool::open(database, {});
    CHECK(pool.status().code() == Code::unimplemented);
    CHECK(pool.status().message() ==
          "the database driver's SQL dialect 'oracle' is not supported; the supported dialects are sqlite and "
          "postgresql");
    database.name = GENERATE("sqlite", "postgresql");
    CHECK(store::Pool::open(database, {}).ok());
}

TEST_CASE("a link that broke is made anew, and the transaction repeated, unless it may have been committed") {
    FakeDatabase database;
    const bool unknown = GENERATE(true, false);
    database.refusal = Status(Code::unavailable, "the link broke")
                           .with_db_class(DbClass::connection)
                           .with_retryable()
                           .with_outcome_unknown(unknown);
    database.refusals = 1;
    const auto pool = store::Pool::open(database, {});
    const Status status = (*pool)->write({}, kNothing);
    CHECK(status.ok() == !unknown);
    CHECK(status.outcome_unknown() == unknown);
    CHECK(database.commits == (unknown ? 1 : 2));
    CHECK(database.connects == (unknown ? 1 : 2));
}
