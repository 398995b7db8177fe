// A backup is complete or the older one is still the folder's; while it is made, nothing that it needs is removed.
#include "services/housekeeping/backup.h"

#include <algorithm>
#include <chrono>

#include "backup_place.h"
#include "core/time.h"
#include "services/storage_keys.h"
#include "store/catalogue/blobs.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;

namespace {

Status disk_is_full() {
    return {Code::resource_exhausted, "the disk is full"};
}

// A server with a store of its own, and the folder that it is backed up to.
struct BackedUp {
    World world;
    BackupPlace place{world.clock};
    StoreIdentity identity{world.pool, world.objects, "the store"};
    std::filesystem::path folder = place.path() / "backup";

    BackedUp() { REQUIRE(identity.establish(world.call).ok()); }

    Result<BackupSummary> run() {
        Backup backup(world.pool, world.objects, identity, place, "1.2.3", [](const StorageCopyProgress&) {});
        return backup.run(world.call, folder);
    }
    MemoryStore& objects() { return place.objects_of(folder / "objects"); }
    Result<BackupManifest> manifest() const { return BackupFolder(folder).read(); }
    std::int64_t holds() { return world.number("SELECT COUNT(*) FROM removal_holds"); }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder))
            names.push_back(entry.path().filename().string());
        std::sort(names.begin(), names.end());
        return names;
    }
};

}  // namespace

TEST_CASE("a backup has the rows, the objects and the id of what it was made of") {
    BackedUp server;
    const auto blob = server.world.add_blob("bytes");
    server.world.add_published("image", "v1", {blob});
    const auto done = server.run();
    REQUIRE(done.ok());
    CHECK(done->copied.copied == 1);
    CHECK(done->copied.faults.empty());
    CHECK(server.objects().bytes(blob.storage_key) == "bytes");

    const auto manifest = server.manifest();
    REQUIRE(manifest.ok());
    CHECK(manifest->created == format_rfc3339(std::chrono::floor<std::chrono::seconds>(server.world.clock.now())));
    CHECK(manifest->program == "1.2.3");
    CHECK(manifest->objects == 1);
    CHECK(manifest->bytes == 5);
    CHECK(manifest->faults == 0);
    CHECK(manifest->store_id == *server.identity.check(server.world.call));
    CHECK(*read_store_id(server.world.call, server.objects()) == manifest->store_id);
    CHECK(server.files() == std::vector<std::string>{manifest->database, "lock", "manifest.json"});
    for (const auto& path : {server.folder, server.folder / manifest->database})
        CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms::others_all) ==
              std::filesystem::perms::none);

    const auto snapshot = server.place.open_database(server.folder / manifest->database);
    const auto pool = store::Pool::open(**snapshot, {});
    const auto found =
        (*pool)->read(server.world.call, [&](store::Transaction& tx) { return store::blobs::find(tx, blob.digest); });
    CHECK(found.ok());
}

TEST_CASE("the next backup adds what is new and drops what is gone") {
    BackedUp server;
    const auto gone = server.world.add_blob("gone");
    const auto stays = server.world.add_blob("stays");
    REQUIRE(server.run().ok());
    const auto first = *server.manifest();

    const auto fresh = server.world.add_blob("fresh");
    server.world.exec("DELETE FROM blobs WHERE digest = $1", {gone.digest});
    const auto done = server.run();
    REQUIRE(done.ok());
    CHECK(done->copied.done == 2);
    CHECK(done->copied.copied == 1);
    CHECK_FALSE(server.objects().has(gone.storage_key));
    CHECK(server.objects().has(stays.storage_key));
    CHECK(server.objects().has(fresh.storage_key));
    CHECK(server.manifest()->database != first.database);
    CHECK(server.files().size() == 3);  // without the older snapshot
}

TEST_CASE("a backup that fails leaves the older one as it was") {
    BackedUp server;
    const auto old = server.world.add_blob("old");
    REQUIRE(server.run().ok());
    const auto before = *server.manifest();
    server.world.add_blob("new");
    server.world.exec("DELETE FROM blobs WHERE digest = $1", {old.digest});

    const auto call = GENERATE(StoreCall::put, StoreCall::list, StoreCall::stat);
    server.objects().faults().fail_always(call, disk_is_full());
    CHECK(server.run().status().code() == Code::resource_exhausted);
    if (call == StoreCall::list) {
        // Only the pruning lists: the new backup was complete by then.
        CHECK(server.manifest()->database != before.database);
    } else {
        CHECK(server.manifest()->database_sha256 == before.database_sha256);
        CHECK(server.objects().has(old.storage_key));
    }
    CHECK(server.holds() == 0);
    server.objects().faults().clear();
    REQUIRE(server.run().ok());
    CHECK_FALSE(server.objects().has(old.storage_key));
}

TEST_CASE("a first backup that fails is none") {
    BackedUp server;
    server.world.add_blob("bytes");
    server.objects().faults().fail_always(StoreCall::put, disk_is_full());
    CHECK_FALSE(server.run().ok());
    CHECK(server.manifest().status().code() == Code::not_found);
}

TEST_CASE("removals are held while a backup is made, and no longer") {
    BackedUp server;
    server.world.add_blob("bytes");
    std::int64_t during = 0;
    server.world.objects.faults().before(
        StoreCall::open,
        [&] {
            during = server.holds();
            return Status();
        },
        2);  // the first one reads the id
    REQUIRE(server.run().ok());
    CHECK(during == 1);
    CHECK(server.holds() == 0);
}

TEST_CASE("an object that is missing in the store is named, and all else is in the backup") {
    BackedUp server;
    const auto lost = server.world.add_blob("lost");
    const auto there = server.world.add_blob("there");
    server.world.objects.erase(lost.storage_key);
    const auto done = server.run();
    REQUIRE(done.ok());
    REQUIRE(done->copied.faults.size() == 1);
    CHECK_THAT(done->copied.faults.front(), Catch::StartsWith(lost.digest));
    CHECK(server.manifest()->faults == 1);
    CHECK(server.objects().has(there.storage_key));
}

TEST_CASE("an older backup keeps the bytes that the store has lost since") {
    BackedUp server;
    const auto blob = server.world.add_blob("bytes");
    REQUIRE(server.run().ok());
    server.world.objects.erase(blob.storage_key);
    const auto done = server.run();
    REQUIRE(done.ok());
    CHECK(done->copied.faults.empty());
    CHECK(server.objects().has(blob.storage_key));
}

TEST_CASE("the backup of another server, and a folder with other things, are left alone") {
    BackedUp server;
    server.world.add_blob("bytes");
    SECTION("another server's") {
        REQUIRE(put_store_id(server.world.call, server.objects(), "theirs", std::string(32, 'a')).ok());
        server.objects().set(std::string(kBlobPrefix) + "theirs", "of theirs");
        CHECK_THAT(std::string(server.run().status().message()), Catch::Contains("the backup of another server"));
        CHECK(server.objects().has(std::string(kBlobPrefix) + "theirs"));
    }
    SECTION("other things") {
        std::filesystem::create_directories(server.folder / "photos");
        CHECK(server.run().status().code() == Code::failed_precondition);
        CHECK(server.files() == std::vector<std::string>{"photos"});
    }
    SECTION("a folder that another process writes to") {
        BackupFolder other(server.folder);
        REQUIRE(other.open_to_write().ok());
        CHECK_THAT(std::string(server.run().status().message()), Catch::Contains("another imgsrv process"));
    }
    CHECK(server.manifest().status().code() == Code::not_found);
}

TEST_CASE("a store that is not the database's is not backed up") {
    BackedUp server;
    server.world.objects.erase(kIdentityKey);
    StoreIdentity fresh(server.world.pool, server.world.objects, "the store");
    Backup backup(server.world.pool, server.world.objects, fresh, server.place, "1", [](const StorageCopyProgress&) {});
    CHECK(backup.run(server.world.call, server.folder).status().code() == Code::failed_precondition);
    CHECK_FALSE(std::filesystem::exists(server.folder));
}
