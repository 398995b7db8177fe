// The harness itself: a fault that does not happen would let every other test pass.
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::test;
using store::Transaction;

namespace {

Status take_hold(Transaction& tx) {
    return tx.exec("INSERT INTO removal_holds (owner, until_us) VALUES ('o', 1)").status();
}

std::int64_t holds(World& world) {
    return world.number("SELECT COUNT(*) FROM removal_holds");
}

}  // namespace

TEST_CASE("each world begins with an empty database") {
    for (int i = 0; i < 2; ++i) {
        World world;
        CHECK(holds(world) == 0);
        CHECK(world.pool.write(world.call, take_hold).ok());
        CHECK(holds(world) == 1);
    }
}

TEST_CASE("a commit that fails leaves nothing behind, the next one passes") {
    World world;
    world.database.faults().fail(DatabaseCall::commit);
    CHECK(world.pool.write(world.call, take_hold).code() == Code::unavailable);
    CHECK(holds(world) == 0);
    CHECK(world.pool.write(world.call, take_hold).ok());
}

TEST_CASE("a commit whose answer is lost has happened") {
    World world;
    world.database.faults().fail_after(DatabaseCall::commit);
    const Status status = world.pool.write(world.call, take_hold);
    CHECK(status.outcome_unknown());
    CHECK(holds(world) == 1);
}

TEST_CASE("another node writes just before this one's transaction begins") {
    World world;
    world.database.faults().before(DatabaseCall::begin_write, [&] {
        world.write(take_hold);
        return Status();
    });
    CHECK(world.pool.write(world.call, take_hold).db_class() == DbClass::unique);
}

TEST_CASE("the database's clock moves only when the test moves it") {
    World world;
    const auto now = [&] { return *world.pool.read(world.call, [](Transaction& tx) { return tx.now(); }); };
    const Time before = now();
    world.clock.advance(std::chrono::seconds(31));
    CHECK(now() == before + std::chrono::seconds(31));
}

TEST_CASE("a store's call fails before its work, after it, or for good") {
    World world;
    auto& faults = world.objects.faults();
    world.objects.set("a", "bytes");
    faults.fail(StoreCall::remove);
    CHECK(world.objects.remove(world.call, "a").code() == Code::unavailable);
    CHECK(world.objects.has("a"));
    faults.fail_after(StoreCall::remove);
    CHECK(world.objects.remove(world.call, "a").outcome_unknown());
    CHECK_FALSE(world.objects.has("a"));
    faults.fail_always(StoreCall::health);
    CHECK_FALSE(world.objects.health(world.call).ok());
    CHECK_FALSE(world.objects.health(world.call).ok());
    faults.clear();
    CHECK(world.objects.health(world.call).ok());
    CHECK(faults.calls(StoreCall::remove) == 2);
}
