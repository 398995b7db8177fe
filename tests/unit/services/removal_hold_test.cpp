#include "services/housekeeping/removal_hold.h"

#include "store/housekeeping/collection.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;
using store::Transaction;

namespace {

std::string holder(World& world) {
    return world.write([&](Transaction& tx) { return store::collection::holder(tx, world.clock.now()); });
}

}  // namespace

TEST_CASE("a hold lasts as long as it lives") {
    World world;
    CHECK(holder(world).empty());
    {
        const auto hold = RemovalHold::take(world.call, world.pool, "backup");
        REQUIRE(hold.ok());
        CHECK_THAT(holder(world), Catch::StartsWith("backup "));
        CHECK((*hold)->check().ok());
        CHECK_FALSE((*hold)->token()->cancelled());
    }
    CHECK(holder(world).empty());
}

TEST_CASE("two holds of one purpose do not end each other") {
    World world;
    auto first = RemovalHold::take(world.call, world.pool, "backup");
    auto second = RemovalHold::take(world.call, world.pool, "backup");
    first->reset();
    CHECK_FALSE(holder(world).empty());
    second->reset();
    CHECK(holder(world).empty());
}

TEST_CASE("a hold that was not committed is none") {
    World world;
    world.database.faults().fail(DatabaseCall::commit);
    CHECK(RemovalHold::take(world.call, world.pool, "backup").status().code() == Code::unavailable);
    CHECK(holder(world).empty());
}

TEST_CASE("a hold that nobody ends runs out") {
    World world;
    SECTION("its taker was not told that it has it") {
        world.database.faults().fail_after(DatabaseCall::commit);
        CHECK_FALSE(RemovalHold::take(world.call, world.pool, "backup").ok());
    }
    SECTION("its end was not committed") {
        auto hold = RemovalHold::take(world.call, world.pool, "backup");
        world.database.faults().fail(DatabaseCall::commit);
        hold->reset();
    }
    world.clock.advance(2 * kLeaseTime - 1us);
    CHECK_FALSE(holder(world).empty());
    world.clock.advance(1us);
    CHECK(holder(world).empty());
}

TEST_CASE("a hold that has run out is not extended") {
    World world;
    const auto extend = [&](Time until) {
        return world.write(
            [&](Transaction& tx) { return store::collection::extend_hold(tx, "o", world.clock.now(), until); });
    };
    world.write([&](Transaction& tx) { return store::collection::hold(tx, "o", world.clock.now() + 1s); });
    CHECK(extend(world.clock.now() + 2s));
    world.clock.advance(2s);
    CHECK_FALSE(extend(world.clock.now() + 2s));
}
