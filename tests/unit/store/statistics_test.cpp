#include "store/housekeeping/statistics.h"

#include "world/world.h"

using namespace imgsrv;
using imgsrv::test::World;

TEST_CASE("projection rows are counted by step, whichever steps there are") {
    World world;
    const auto version = world.add_draft("debian", "1", {});
    for (const std::string_view step : {"b", "a"})
        for (const std::string_view key : {"1", "2", "3"})
            if (step == "b" || key == "1")
                world.exec("INSERT INTO projection_rows VALUES ($1, $2, $3, '{}', 1)", {step, version, key});
    const auto snapshot =
        world.pool.read(world.call, [](store::Transaction& tx) { return store::statistics::read(tx); });
    REQUIRE(snapshot.ok());
    REQUIRE(snapshot->rows.size() == 2);
    CHECK(snapshot->rows[0].step == "a");
    CHECK(snapshot->rows[0].count == 1);
    CHECK(snapshot->rows[1].count == 3);
}
