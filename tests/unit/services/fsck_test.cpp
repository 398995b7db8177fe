#include "services/housekeeping/fsck.h"

#include "publishing_world.h"
#include "store/housekeeping/consistency.h"
#include "world/identified_store.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;
using store::consistency::kLate;

namespace {

struct FsckWorld {
    FsckWorld() { REQUIRE(identity.establish(w.world.call).ok()); }

    Result<FsckSummary> look(FsckOptions options) {
        findings.clear();
        Fsck fsck(w.world.pool, w.world.objects, identity, options,
                  [this](const Finding& finding) { findings.push_back(finding); });
        return fsck.run(w.world.call);
    }
    // What it told, one line a finding.
    std::string told(FsckOptions options = {}) {
        const auto summary = look(options);
        INFO(summary.status().describe());
        REQUIRE(summary.ok());
        CHECK(summary->findings == findings.size());
        std::string lines;
        for (const auto& finding : findings) lines += finding.what + (finding.repaired ? " [repaired]\n" : "\n");
        return lines;
    }

    PublishingWorld w;
    StoreIdentity identity{w.world.pool, w.world.objects, "memory"};
    std::vector<Finding> findings;
};

constexpr FsckOptions kRepair{false, true, true};
constexpr FsckOptions kDeep{true, false, true};
constexpr FsckOptions kDeepRepair{true, true, true};

}  // namespace

TEST_CASE("a sound house has no finding") {
    FsckWorld f;
    f.w.publish();
    f.w.run_all();
    CHECK(f.told() == "");
    CHECK(f.look(kDeep)->blobs == 1);
    CHECK(f.look(kDeep)->bytes == 5);
}

TEST_CASE("fsck does not begin on another database's store") {
    FsckWorld f;
    f.w.world.add_blob("image");
    for (const auto& key : f.w.world.objects.keys()) f.w.world.objects.erase(key);
    CHECK(f.look(kRepair).status().code() == Code::failed_precondition);
    CHECK(f.findings.empty());
    CHECK(f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 1);
}

TEST_CASE("a blob without its bytes is told of, and marked by a repair alone") {
    FsckWorld f;
    const auto blob = f.w.world.add_blob("image");
    f.w.world.add_published("debian", "1", {blob});
    bool deep = false;
    SECTION("missing") {
        f.w.world.objects.erase(blob.storage_key);
    }
    SECTION("of another size") {
        f.w.world.objects.set(blob.storage_key, "imag");
    }
    SECTION("of other bytes, which only a deep look sees") {
        f.w.world.objects.set(blob.storage_key, "imagE");
        deep = true;
        CHECK(f.told() == "");
    }
    const auto damaged = [&] { return f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NOT NULL"); };
    CHECK_THAT(f.told({deep, false, true}), Catch::Contains(blob.digest) && Catch::Contains("debian 1"));
    CHECK(damaged() == 0);
    CHECK_THAT(f.told({deep, true, true}), Catch::Contains(blob.digest));
    CHECK(damaged() == 1);
    CHECK_THAT(f.told(), Catch::Contains(blob.digest));
}

TEST_CASE("a mark on a sound blob is taken off by a deep repair alone") {
    FsckWorld f;
    f.w.world.add_blob("image");
    f.w.world.exec("UPDATE blobs SET damaged_us = 1, damage = 'is missing'");
    const auto damaged = [&] { return f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NOT NULL"); };
    CHECK_THAT(f.told(kRepair), Catch::Contains("is marked damaged: it is missing"));
    CHECK_THAT(f.told(kDeep), Catch::Contains("its bytes are sound"));
    CHECK(damaged() == 1);
    CHECK_THAT(f.told(kDeepRepair), Catch::Contains("[repaired]"));
    CHECK(damaged() == 0);
}

TEST_CASE("a blob that is healed or collected while it is looked at is no finding") {
    FsckWorld f;
    const auto blob = f.w.world.add_blob("image");
    f.w.world.objects.erase(blob.storage_key);
    f.w.world.objects.faults().before(
        StoreCall::stat,
        [&] {
            f.w.world.exec("DELETE FROM blobs");
            return Status();
        },
        2);
    CHECK(f.told(kRepair) == "");
}

TEST_CASE("an object that cannot be read while its store is well is a finding, and not marked") {
    FsckWorld f;
    const auto blob = f.w.world.add_blob("image");
    f.w.world.objects.faults().fail_always(StoreCall::stat, Status(Code::internal, "Input/output error"));
    CHECK_THAT(f.told(kRepair), Catch::Contains("cannot be read") && Catch::Contains("Input/output error"));
    CHECK(f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 1);
}

TEST_CASE("a store that is away ends the run, and no blob is marked") {
    FsckWorld f;
    f.w.world.add_blob("image");
    f.w.world.objects.faults().fail_always(StoreCall::stat, Status(Code::internal, "no connection"));
    f.w.world.objects.faults().fail_always(StoreCall::health);
    CHECK(f.look(kRepair).status().code() == Code::unavailable);
    CHECK(f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 1);
}

TEST_CASE("a store that is swapped during the run marks nothing") {
    FsckWorld f;
    f.w.world.add_blob("image");
    f.w.world.objects.faults().before(StoreCall::stat, [&] {
        for (const auto& key : f.w.world.objects.keys()) f.w.world.objects.erase(key);
        return Status();
    });
    CHECK(f.look(kRepair).status().code() == Code::failed_precondition);
    CHECK(f.w.world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 1);
}

TEST_CASE("a version that no job publishes is made a draft by a repair") {
    FsckWorld f;
    const auto id = f.w.publish();
    f.w.world.exec("UPDATE publish_jobs SET state = 'abandoned'");
    f.w.world.exec("INSERT INTO projection_rows VALUES ('index', $1, 'k', '1', 1)", {f.w.version});
    CHECK_THAT(f.told(), Catch::Contains("debian 1 is being published by no job"));
    CHECK(f.w.version_state() == "publishing");
    SECTION("it is mended") {
        CHECK_THAT(f.told(kRepair), Catch::Contains("[repaired]"));
        CHECK(f.w.version_state() == "draft");
        CHECK(f.w.rows() == 0);
        CHECK(f.told() == "");
    }
    SECTION("unless it is published in that moment") {
        f.w.world.database.faults().before(DatabaseCall::begin_write, [&] {
            f.w.world.exec("UPDATE publish_jobs SET state = 'running'");
            return Status();
        });
        f.told(kRepair);
        CHECK(f.w.version_state() == "publishing");
        CHECK(f.w.rows() == 1);
    }
    SECTION("not if that cannot be committed") {
        f.w.world.database.faults().fail(DatabaseCall::commit);
        CHECK_FALSE(f.look(kRepair).ok());
        CHECK(f.w.version_state() == "publishing");
        CHECK(f.w.rows() == 1);
    }
}

TEST_CASE("a job that has nothing to run is failed by a repair") {
    FsckWorld f;
    const auto id = f.w.publish();
    SECTION("it is queued") {
        f.w.world.exec("UPDATE publish_steps SET state = 'succeeded'");
    }
    SECTION("it succeeded and its version is not published") {
        f.w.world.exec("UPDATE publish_jobs SET state = 'succeeded'");
    }
    CHECK_THAT(f.told(), Catch::Contains("job " + id) && Catch::Contains("has nothing to run"));
    CHECK_THAT(f.told(kRepair), Catch::Contains("[repaired]"));
    CHECK(f.w.job(id).state == domain::JobState::failed);
    CHECK(f.w.service.abandon(f.w.world.call, id).ok());
    CHECK(f.told() == "");
}

TEST_CASE("lost rows of a step are told of, and the step runs again by a repair") {
    FsckWorld f;
    const auto id = f.w.publish();
    f.w.run_all();
    f.w.world.exec("DELETE FROM projection_rows");
    CHECK_THAT(f.told(), Catch::Contains("debian 1 has 0 of the 1 rows that index put for it"));
    CHECK_THAT(f.told(kRepair), Catch::Contains("[repaired]"));
    CHECK(f.w.job(id).state == domain::JobState::queued);
    f.w.run_all();
    CHECK(f.w.job(id).state == domain::JobState::succeeded);
    CHECK(f.w.rows() == 1);
    CHECK(f.told() == "");
}

TEST_CASE("a published version whose blob is no longer trusted is told of") {
    FsckWorld f;
    const auto blob = f.w.world.add_blob("image");
    f.w.world.add_published("debian", "1", {blob});
    f.w.world.exec("DROP TRIGGER blobs_delete_unused");
    f.w.world.exec("DELETE FROM blobs");
    CHECK_THAT(f.told(), Catch::Contains("debian 1 is published and references " + blob.digest));
}

TEST_CASE("work that nobody takes up is told of after a while, if asked for") {
    FsckWorld f;
    const auto add_session = [&](std::string_view state) {
        f.w.world.exec(
            "INSERT INTO upload_sessions (id, expected_digest, expected_size, state, created_us, updated_us, "
            "expires_us, lease_expires_us) VALUES ('s', 'd', 0, $1, 0, $2, $2, $2)",
            {state, store::param(f.w.world.clock.now())});
    };
    std::string_view what;
    SECTION("a completed upload") {
        add_session("completed");
        what = "upload session s for d is completed and late";
    }
    SECTION("a promotion that stands still") {
        add_session("ingesting");
        what = "upload session s for d is ingesting and late";
    }
    SECTION("an upload that expired") {
        add_session("uploading");
        what = "upload session s for d expired at";
    }
    SECTION("a queued step") {
        f.w.publish();
        what = "step index of job";
    }
    SECTION("a step whose worker died") {
        f.w.publish();
        f.w.world.exec("UPDATE publish_steps SET state = 'running', lease_expires_us = $1 WHERE sequence = 1",
                       {store::param(f.w.world.clock.now())});
        what = "step index of job";
    }
    SECTION("a removal") {
        f.w.world.exec("INSERT INTO object_removals VALUES ('k', 1, $1)", {store::param(f.w.world.clock.now())});
        what = "object k has been waiting for removal since";
    }
    f.w.world.clock.advance(kLate - 1us);
    CHECK(f.told() == "");
    f.w.world.clock.advance(1us);
    CHECK_THAT(f.told(), Catch::Contains(std::string(what)));
    CHECK(f.told({false, false, false}) == "");
}

TEST_CASE("an object without a row is told of, and queued by a repair") {
    FsckWorld f;
    f.w.world.objects.set(blob_of("orphan").storage_key, "orphan");
    f.w.world.clock.advance(1h);
    const auto queued = [&] { return f.w.world.number("SELECT COUNT(*) FROM object_removals"); };
    CHECK_THAT(f.told(), Catch::Contains("of 6 bytes belongs to no blob"));
    CHECK(queued() == 0);
    CHECK_THAT(f.told(kRepair), Catch::Contains("[repaired]"));
    CHECK(queued() == 1);
}

TEST_CASE("a database that fails anywhere ends the run") {
    FsckWorld f;
    f.w.world.add_blob("image");
    auto& faults = f.w.world.database.faults();
    const auto before = faults.calls(DatabaseCall::begin_read);
    REQUIRE(f.look({}).ok());
    const auto reads = faults.calls(DatabaseCall::begin_read) - before;
    CHECK(reads >= 8);
    for (unsigned nth = 1; nth <= reads; ++nth) {
        CAPTURE(nth);
        faults.fail(DatabaseCall::begin_read, away(), nth);
        CHECK(f.look({}).status().code() == Code::unavailable);
    }
}
