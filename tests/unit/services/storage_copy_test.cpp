#include "services/housekeeping/storage_copy.h"

#include "services/storage_keys.h"
#include "store/uploads/uploads.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using domain::UploadState;
using store::Transaction;

namespace {

struct CopyWorld {
    Result<StorageCopyProgress> copy(StorageCopyOptions options = {false, 1, false}) {
        StorageCopy copy(world.pool, world.pool, world.objects, target, options, [](const StorageCopyProgress&) {});
        return copy.run(world.call);
    }
    StorageCopyProgress copied(StorageCopyOptions options = {false, 1, false}) {
        auto progress = copy(options);
        INFO(progress.status().describe());
        REQUIRE(progress.ok());
        return std::move(*progress);
    }
    // An upload that waits for promotion.
    void add_waiting(const std::string& id, const std::string& bytes) {
        domain::UploadSession session;
        session.id = id;
        session.expected_digest = digest_of(bytes);
        session.expected_size = bytes.size();
        session.state = UploadState::completed;
        world.write([&](Transaction& tx) { return store::uploads::insert(tx, session, ""); });
        world.objects.set(staging_key(id), bytes);
    }

    World world;
    MemoryStore target{world.clock};
};

// What no repetition mends, so that the copy does not wait before it tries again.
Status bad_object() {
    return {Code::internal, "Input/output error"};
}

}  // namespace

TEST_CASE("every blob and every waiting upload is copied, once") {
    CopyWorld c;
    for (const std::string text : {"a", "bb", "ccc"}) c.world.add_blob(text);
    c.add_waiting("s", "upload");
    c.world.objects.set("blobs/orphan", "not needed");
    const auto first = c.copied({false, 4, false});
    CHECK(first.objects == 4);
    CHECK(first.copied == 4);
    CHECK(first.done_bytes == 12);
    CHECK(first.faults.empty());
    CHECK(c.target.keys().size() == 4);
    CHECK(c.target.bytes(staging_key("s")) == "upload");
    const auto second = c.copied();
    CHECK(second.done == 4);
    CHECK(second.copied == 0);
}

TEST_CASE("what becomes trusted during a copy is copied too") {
    CopyWorld c;
    c.world.add_blob("first");
    c.target.faults().before(StoreCall::put, [&] {
        c.world.add_blob("second");
        return Status();
    });
    CHECK(c.copied().copied == 2);
    CHECK(c.target.has(blob_of("second").storage_key));
}

TEST_CASE("wrong bytes never appear in the target") {
    CopyWorld c;
    const auto blob = c.world.add_blob("image");
    c.world.add_blob("sound");
    SECTION("other bytes") {
        c.world.objects.set(blob.storage_key, "imagE");
    }
    SECTION("fewer") {
        c.world.objects.set(blob.storage_key, "imag");
    }
    SECTION("none") {
        c.world.objects.erase(blob.storage_key);
    }
    const auto progress = c.copied();
    REQUIRE(progress.faults.size() == 1);
    CHECK_THAT(progress.faults[0], Catch::StartsWith(blob.digest + ": "));
    CHECK_FALSE(c.target.has(blob.storage_key));
    CHECK(progress.copied == 1);
}

TEST_CASE("an object of another size in the target is copied over, of other bytes only when they are looked at") {
    CopyWorld c;
    const auto blob = c.world.add_blob("image");
    c.target.set(blob.storage_key, "imag");
    CHECK(c.copied().copied == 1);
    c.target.set(blob.storage_key, "imagE");
    CHECK(c.copied().copied == 0);
    CHECK(c.copied({true, 1, false}).copied == 1);
    CHECK(c.target.bytes(blob.storage_key) == "image");
}

TEST_CASE("a blob that is collected during the copy is nobody's fault") {
    CopyWorld c;
    const auto blob = c.world.add_blob("image");
    c.target.faults().before(StoreCall::stat, [&] {
        c.world.exec("DELETE FROM blobs");
        c.world.objects.erase(blob.storage_key);
        return Status();
    });
    const auto progress = c.copied();
    CHECK(progress.faults.empty());
    CHECK(progress.copied == 0);
}

TEST_CASE("a source that has no blob at all is taken for the wrong one, unless it may be empty") {
    CopyWorld c;
    c.world.objects.erase(c.world.add_blob("image").storage_key);
    CHECK(c.copy().status().code() == Code::unavailable);
    CHECK(c.copied({false, 1, true}).faults.size() == 1);
    c.world.exec("UPDATE blobs SET damaged_us = 1, damage = 'is missing'");
    CHECK(c.copied().faults.size() == 1);
}

TEST_CASE("one object that fails while its stores are well is a fault, and the others are copied") {
    CopyWorld c;
    for (const std::string text : {"a", "b", "c"}) c.world.add_blob(text);
    MemoryStore& failing = GENERATE(true, false) ? c.world.objects : c.target;
    const StoreCall call = &failing == &c.target ? StoreCall::put : StoreCall::open;
    // Twice: it is tried again after the stores were asked for their health.
    failing.faults().fail(call, bad_object(), 2);
    failing.faults().fail(call, bad_object(), 3);
    const auto progress = c.copied();
    CHECK(progress.copied == 2);
    REQUIRE(progress.faults.size() == 1);
    CHECK_THAT(progress.faults[0], Catch::Contains("Input/output error"));
    CHECK(c.copied().copied == 1);
}

TEST_CASE("a store that is away or full ends the copy, and what was copied stays") {
    CopyWorld c;
    for (const std::string text : {"a", "b", "c"}) c.world.add_blob(text);
    SECTION("away") {
        c.target.faults().fail(StoreCall::put, bad_object(), 2);
        c.target.faults().fail_always(StoreCall::health);
        CHECK(c.copy().status().code() == Code::unavailable);
    }
    SECTION("full") {
        c.target.faults().fail(StoreCall::put, Status(Code::resource_exhausted, "the disk is full"), 2);
        CHECK(c.copy().status().code() == Code::resource_exhausted);
    }
    CHECK(c.target.keys().size() == 1);
    c.target.faults().clear();
    CHECK(c.copied().copied == 2);
}

TEST_CASE("a database that fails ends the copy") {
    CopyWorld c;
    c.world.add_blob("image");
    c.world.database.faults().fail(DatabaseCall::begin_read, away(), GENERATE(1u, 2u, 3u));
    CHECK(c.copy().status().code() == Code::unavailable);
    CHECK(c.copied().done == 1);
}

TEST_CASE("an upload whose bytes went to its blob gets them from there") {
    CopyWorld c;
    c.add_waiting("s", "upload");
    SECTION("promoted before the copy reads it") {
        // The rows are a snapshot: they know of no blob.
        World snapshot;
        snapshot.exec(
            "INSERT INTO upload_sessions (id, expected_digest, expected_size, state, created_us, updated_us, "
            "expires_us) VALUES ('s', $1, 6, 'completed', 0, 0, 0)",
            {digest_of("upload")});
        c.world.add_blob("upload");
        c.world.objects.erase(staging_key("s"));
        StorageCopy copy(snapshot.pool, c.world.pool, c.world.objects, c.target, {false, 1, false},
                         [](const StorageCopyProgress&) {});
        CHECK(copy.run(c.world.call)->copied == 1);
        CHECK(c.target.bytes(staging_key("s")) == "upload");
    }
    SECTION("promoted during the copy: the blob is enough") {
        c.target.faults().before(StoreCall::stat, [&] {
            c.world.add_blob("upload");
            c.world.objects.erase(staging_key("s"));
            return Status();
        });
        CHECK(c.copied().faults.empty());
        CHECK(c.target.has(blob_of("upload").storage_key));
    }
}

TEST_CASE("bytes of an upload that are gone are a fault as long as it waits for promotion") {
    CopyWorld c;
    c.add_waiting("s", "upload");
    c.world.objects.erase(staging_key("s"));
    const auto state = GENERATE(UploadState::completed, UploadState::ingesting, UploadState::failed);
    c.target.faults().before(StoreCall::stat, [&] {
        c.world.exec("UPDATE upload_sessions SET state = $1", {domain::to_string(state)});
        return Status();
    });
    CHECK(c.copied().faults.size() == (state == UploadState::failed ? 0 : 1));
}
