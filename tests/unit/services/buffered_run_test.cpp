#include "services/publishing/buffered_run.h"

#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using imgsrv::test::World;

namespace {

struct BufferedRunWorld {
    explicit BufferedRunWorld(RunLimits limits = {}) : run(blobs, {}, 1, false, limits) {}

    World world;
    BlobService blobs{world.pool, world.objects};
    BufferedRun run;
};

}  // namespace

TEST_CASE("a row put again under its key replaces the first one, in its place") {
    BufferedRunWorld r;
    CHECK(r.run.put_row("b", "1").ok());
    CHECK(r.run.put_row("a", "2").ok());
    CHECK(r.run.put_row("b", "3").ok());
    REQUIRE(r.run.rows().size() == 2);
    CHECK(r.run.rows()[0].key == "b");
    CHECK(r.run.rows()[0].json == "3");
    CHECK(r.run.rows()[1].key == "a");
}

TEST_CASE("a row of another shape than allowed is refused, and the rows before it stay") {
    BufferedRunWorld r({4, 10, 100});
    CHECK(r.run.put_row("k", "{}").ok());
    CHECK(r.run.put_row("", "{}").code() == Code::invalid_argument);
    CHECK(r.run.put_row("12345", "{}").code() == Code::invalid_argument);
    CHECK(r.run.put_row("j", "{").code() == Code::invalid_argument);
    CHECK(r.run.put_row("j", std::string(11, ' ')).code() == Code::too_large);
    CHECK(r.run.rows().size() == 1);
    CHECK(r.run.put_row("1234", "\"12345678\"").ok());
}

TEST_CASE("the rows of a run have a limit together, of which what was replaced or refused takes nothing") {
    BufferedRunWorld r({4, 100, 10});
    for (int i = 0; i < 3; ++i) CHECK(r.run.put_row("a", "1234").ok());
    CHECK(r.run.put_row("b", "{").code() == Code::invalid_argument);
    CHECK(r.run.put_row("b", "1234").ok());
    CHECK(r.run.put_row("c", "").code() == Code::resource_exhausted);
    CHECK(r.run.put_row("a", "12345").code() == Code::resource_exhausted);
    CHECK(r.run.rows().size() == 2);
    CHECK(r.run.put_row("a", "1").ok());
    CHECK(r.run.put_row("c", "12").ok());
}

TEST_CASE("by default a run may put 64 MiB, in rows of a MiB") {
    CHECK(RunLimits().key == 512);
    CHECK(RunLimits().row == 1 << 20);
    CHECK(RunLimits().all_rows == 64 << 20);
}

TEST_CASE("only a finalizer asks for the published state") {
    BufferedRunWorld r;
    CHECK(r.run.request_published().code() == Code::permission_denied);
    CHECK_FALSE(r.run.published_requested());
    BufferedRun finalizer(r.blobs, {}, 1, true);
    CHECK(finalizer.request_published().ok());
    CHECK(finalizer.published_requested());
}

TEST_CASE("a damaged blob has neither size nor bytes for a step") {
    BufferedRunWorld r;
    const auto blob = r.world.add_blob("image");
    CHECK(*r.run.blob_size(r.world.call, blob.digest) == 5);
    r.world.exec("UPDATE blobs SET damaged_us = 1, damage = 'is missing'");
    CHECK(r.run.blob_size(r.world.call, blob.digest).status().code() == Code::data_loss);
    CHECK(r.run.open_blob(r.world.call, blob.digest, 0, std::nullopt).status().code() == Code::data_loss);
}
