// A restore ends with a database and a store that belong together, or with no database at all.
#include "services/housekeeping/restore.h"

#include <fstream>

#include "backup_place.h"
#include "services/housekeeping/backup.h"
#include "services/storage_keys.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;

namespace {

// A backup of a server with one published version, and an empty place to restore it to.
struct Restorable {
    World world;
    BackupPlace place{world.clock};
    domain::Blob blob = world.add_blob("bytes");
    BackupFolder backup{place.path() / "backup"};
    std::filesystem::path database = place.path() / "data" / "imgsrv.db";
    MemoryStore objects{world.clock};
    std::vector<std::string> findings;

    Restorable() {
        std::filesystem::create_directories(database.parent_path());
        world.add_published("image", "v1", {blob});
        const std::int64_t later = to_micros(world.clock.now()) + 1;
        world.exec("INSERT INTO removal_holds (owner, until_us) VALUES ('operator', $1)", {later});
        add_session("open", "uploading");
        add_session("waiting", "completed");
        world.objects.set(staging_key("waiting"), "12345678");
        StoreIdentity identity(world.pool, world.objects, "the store");
        REQUIRE(identity.establish(world.call).ok());
        Backup work(world.pool, world.objects, identity, place, "1", [](const StorageCopyProgress&) {});
        REQUIRE(work.run(world.call, backup.path()).ok());
    }

    void add_session(const std::string& id, const std::string& state) {
        world.exec(
            "INSERT INTO upload_sessions (id, expected_digest, expected_size, state, created_us, updated_us, "
            "expires_us) "
            "VALUES ($1, $2, 8, $3, 0, 0, $4)",
            {id, digest_of("12345678"), state, to_micros(world.clock.now()) + 1'000'000});
    }
    MemoryStore& backed_up() { return place.objects_of(backup.objects()); }
    std::filesystem::path restoring() const { return database.string() + ".restoring"; }

    Result<RestoreSummary> run() {
        IMGSRV_ASSIGN(const auto manifest, backup.read());
        return run(manifest);
    }
    Result<RestoreSummary> run(const BackupManifest& manifest) {
        const RestoreTarget target{database, restoring(), MIGRATIONS, objects, "the new store"};
        Restore work(
            backup, manifest, target, place, [](const StorageCopyProgress&) {},
            [&](const Finding& finding) { findings.push_back(finding.what); });
        return work.run(world.call);
    }
    // One number of the restored database.
    std::int64_t number(std::string_view sql) {
        const auto restored = place.open_database(database);
        const auto pool = store::Pool::open(**restored, {});
        std::int64_t number = -1;
        REQUIRE((*pool)
                    ->read(world.call,
                           [&](store::Transaction& tx) {
                               return tx.query(sql, {}, [&](const ports::Row& row) {
                                   number = row.integer(0);
                                   return Status();
                               });
                           })
                    .ok());
        return number;
    }
    // Nothing is restored, and the sentence says why.
    void refuse(const char* why) {
        const auto status = run().status();
        CHECK_THAT(std::string(status.message()), Catch::Contains(why));
        CHECK_FALSE(std::filesystem::exists(restoring()));
        CHECK_FALSE(objects.has(blob.storage_key));
    }
};

}  // namespace

TEST_CASE("what was backed up is restored, with its store's id") {
    Restorable r;
    const auto done = r.run();
    REQUIRE(done.ok());
    CHECK(done->copied.done == 2);
    CHECK(done->fsck.findings == 0);
    CHECK(r.objects.bytes(r.blob.storage_key) == "bytes");
    CHECK(*read_store_id(r.world.call, r.objects) == r.backup.read()->store_id);
    CHECK(r.number("SELECT COUNT(*) FROM versions WHERE state = 'published'") == 1);
    CHECK_FALSE(std::filesystem::exists(r.restoring()));
    CHECK((std::filesystem::status(r.database).permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
}

TEST_CASE("work in progress at snapshot time is cancelled, and what waits for a worker still does") {
    Restorable r;
    REQUIRE(r.run().ok());
    CHECK(r.number("SELECT COUNT(*) FROM upload_sessions WHERE id = 'open' AND state = 'aborted'") == 1);
    CHECK(r.number("SELECT COUNT(*) FROM upload_sessions WHERE id = 'waiting' AND state = 'completed'") == 1);
    CHECK(r.objects.bytes(staging_key("waiting")) == "12345678");
    CHECK(r.number("SELECT COUNT(*) FROM removal_holds") == 0);
}

TEST_CASE("a restore that fails is continued by the next one") {
    Restorable r;
    r.objects.faults().fail(StoreCall::put, {Code::resource_exhausted, "the disk is full"},
                            GENERATE(1U, 2U, 3U));  // the upload's bytes, the blob, the id
    CHECK(r.run().status().code() == Code::resource_exhausted);
    CHECK_FALSE(std::filesystem::exists(r.database));
    CHECK(std::filesystem::exists(r.restoring()));
    r.objects.faults().clear();
    REQUIRE(r.run().ok());
    CHECK(r.objects.bytes(r.blob.storage_key) == "bytes");
    CHECK(r.number("SELECT COUNT(*) FROM versions") == 1);
}

TEST_CASE("nothing is restored over data, or over what is left of a database") {
    Restorable r;
    SECTION("a database") {
        REQUIRE(r.run().ok());
        r.objects.erase(r.blob.storage_key);
        r.refuse("has a database already");
    }
    SECTION("the log of a database that is gone") {
        std::ofstream(r.database.string() + "-wal") << "frames";
        r.refuse("has 'imgsrv.db-wal' of a database that is gone");
    }
    SECTION("a store with blobs") {
        r.objects.set(std::string(kBlobPrefix) + "other", "bytes");
        r.refuse("the object store is not empty");
    }
    SECTION("another database's store") {
        REQUIRE(put_store_id(r.world.call, r.objects, "theirs", std::string(32, 'a')).ok());
        r.refuse(std::string(32, 'a').c_str());
    }
}

TEST_CASE("an empty companion is harmless") {
    Restorable r;
    std::ofstream(r.database.string() + ".migrate") << "";
    CHECK(r.run().ok());
}

TEST_CASE("a damaged backup is not restored") {
    Restorable r;
    SECTION("its objects are not there") {
        r.backed_up().erase(kIdentityKey);
        r.refuse("and have none. Is their disk mounted?");
    }
    SECTION("its snapshot has other bytes") {
        std::ofstream(r.backup.path() / r.backup.read()->database, std::ios::app) << "more";
        CHECK(r.run().status().code() == Code::data_loss);
    }
    SECTION("its manifest is no JSON") {
        std::ofstream(r.backup.path() / "manifest.json") << "{";
        CHECK(r.run().status().code() == Code::data_loss);
    }
    SECTION("its manifest names a file elsewhere") {
        std::ifstream in(r.backup.path() / "manifest.json");
        std::string text{std::istreambuf_iterator<char>(in), {}};
        text.replace(text.find("imgsrv-"), 0, "../");
        std::ofstream(r.backup.path() / "manifest.json") << text;
        CHECK(r.run().status().code() == Code::data_loss);
    }
    CHECK_FALSE(std::filesystem::exists(r.database));
}

TEST_CASE("an object that the backup lacks is named, marked as damaged, and all else is restored") {
    Restorable r;
    r.backed_up().erase(r.blob.storage_key);
    const auto done = r.run();
    REQUIRE(done.ok());
    REQUIRE(done->copied.faults.size() == 1);
    CHECK_THAT(done->copied.faults.front(), Catch::StartsWith(r.blob.digest));
    CHECK(r.objects.has(staging_key("waiting")));
    CHECK(done->fsck.findings == r.findings.size());
    CHECK_FALSE(r.findings.empty());
    CHECK(r.number("SELECT COUNT(*) FROM versions") == 1);
}

TEST_CASE("a backup made before stores had ids gives its store a new one") {
    Restorable r;
    auto manifest = *r.backup.read();
    manifest.store_id.clear();
    r.backed_up().erase(kIdentityKey);
    REQUIRE(r.run(manifest).ok());
    CHECK(read_store_id(r.world.call, r.objects)->has_value());
}
