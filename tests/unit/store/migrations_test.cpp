#include "store/migrations.h"

#include <catch2/catch.hpp>

#include "fake_database.h"

using namespace imgsrv;
using imgsrv::test::FakeDatabase;

namespace {

const std::vector<store::Migration> kTwo = {{1, "first", "a", "-"}, {2, "second", "b", "-"}};

}  // namespace

TEST_CASE("a migration that lost against a node at work is applied again") {
    FakeDatabase database;
    database.refusals = 3;
    const auto opened = store::Pool::open(database, {});
    store::Pool& pool = **opened;
    const auto applied = store::migrate(pool, {}, kTwo);
    REQUIRE(applied.ok());
    CHECK(*applied == 2);
    CHECK(database.commits == 5);
}

TEST_CASE("one that loses for ever is told with its name") {
    FakeDatabase database;
    database.refusals = 1'000;
    const auto opened = store::Pool::open(database, {});
    store::Pool& pool = **opened;
    const auto applied = store::migrate(pool, {}, kTwo);
    REQUIRE_FALSE(applied.ok());
    CHECK_THAT(applied.status().describe(), Catch::Contains("first"));
    CHECK_THAT(applied.status().describe(), Catch::Contains("could not serialize access"));
}
