#include "services/housekeeping/store_identity.h"

#include "services/storage_keys.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;

namespace {

struct IdentityWorld {
    std::string known() { return world.text("SELECT store_id FROM store_identity"); }
    bool placed() { return world.number("SELECT COUNT(*) FROM store_identity WHERE placed_us IS NOT NULL") == 1; }
    std::string shown() {
        const auto id = read_store_id(world.call, world.objects);
        REQUIRE(id.ok());
        return id->value_or("none");
    }
    void give_store(const std::string& id) { world.objects.set(kIdentityKey, "imgsrv object store " + id + "\n"); }

    World world;
    StoreIdentity identity{world.pool, world.objects, "memory"};
    StoreIdentity other{world.other, world.objects, "memory"};
};

const std::string kForeignId(32, 'f');

}  // namespace

TEST_CASE("the first start gives store and database one id, which stays") {
    IdentityWorld w;
    CHECK(w.identity.check(w.world.call).status().code() == Code::failed_precondition);
    REQUIRE(w.identity.establish(w.world.call).ok());
    const auto id = w.known();
    CHECK(id.size() == 32);
    CHECK(w.shown() == id);
    CHECK(w.placed());
    CHECK(w.identity.establish(w.world.call).ok());
    CHECK(w.other.establish(w.world.call).ok());
    CHECK(w.other.check(w.world.call).value() == id);
    CHECK(w.known() == id);
}

TEST_CASE("a start that is cut anywhere heals at the next one") {
    IdentityWorld w;
    auto& database = w.world.database.faults();
    auto& store = w.world.objects.faults();
    SECTION("before the row is there") {
        database.fail(DatabaseCall::commit, away(), 1);
    }
    SECTION("the row is there, and nobody knows") {
        database.fail_after(DatabaseCall::commit, answer_lost(), 1);
    }
    SECTION("the row is not read back") {
        database.fail(DatabaseCall::begin_read, away(), 3);
    }
    SECTION("the object is not put") {
        store.fail(StoreCall::put);
    }
    SECTION("the object is there, and nobody knows") {
        store.fail_after(StoreCall::put);
    }
    SECTION("the object is not read back") {
        store.fail(StoreCall::open, away(), 2);
    }
    SECTION("the mark is not set") {
        database.fail(DatabaseCall::commit, away(), 2);
    }
    SECTION("the mark is set, and nobody knows") {
        database.fail_after(DatabaseCall::commit, answer_lost(), 2);
    }
    SECTION("the store does not answer") {
        store.fail(StoreCall::open);
    }
    SECTION("the database does not answer") {
        database.fail(DatabaseCall::begin_read);
    }
    CHECK_FALSE(w.identity.establish(w.world.call).ok());
    const auto id = w.known();
    REQUIRE(w.identity.establish(w.world.call).ok());
    CHECK(w.placed());
    CHECK(w.shown() == w.known());
    if (!id.empty()) CHECK(w.known() == id);
}

TEST_CASE("nodes that start together agree on the row that came first") {
    IdentityWorld w;
    const unsigned nth = GENERATE(1u, 2u);
    w.world.database.faults().before(
        DatabaseCall::begin_write, [&] { return w.other.establish(w.world.call); }, nth);
    CHECK(w.identity.establish(w.world.call).ok());
    CHECK(w.identity.check(w.world.call).value() == w.other.check(w.world.call).value());
}

TEST_CASE("another store in its place is refused, and nothing is written") {
    IdentityWorld w;
    REQUIRE(w.identity.establish(w.world.call).ok());
    SECTION("without an id") {
        w.world.objects.erase(kIdentityKey);
    }
    SECTION("with another one") {
        w.give_store(kForeignId);
    }
    SECTION("with one that cannot be read") {
        w.world.objects.set(kIdentityKey, "garbage");
    }
    const auto before = w.world.objects.bytes(kIdentityKey);
    for (StoreIdentity* node : {&w.identity, &w.other}) {
        CHECK(node->check(w.world.call).status().code() == Code::failed_precondition);
        CHECK(node->establish(w.world.call).code() == Code::failed_precondition);
    }
    CHECK(w.world.objects.bytes(kIdentityKey) == before);
}

TEST_CASE("a store that does not answer is not another one") {
    IdentityWorld w;
    REQUIRE(w.identity.establish(w.world.call).ok());
    w.world.objects.faults().fail(StoreCall::open);
    CHECK(w.identity.check(w.world.call).status().code() == Code::unavailable);
    CHECK(w.identity.check(w.world.call).ok());
}

TEST_CASE("a database that knows no store takes none that is another's") {
    IdentityWorld w;
    w.give_store(kForeignId);
    CHECK(w.identity.establish(w.world.call).code() == Code::failed_precondition);
    CHECK(w.known().empty());
    CHECK(w.identity.adopt(w.world.call, false).status().code() == Code::failed_precondition);
    const auto id = w.identity.adopt(w.world.call, true);
    REQUIRE(id.ok());
    CHECK(w.shown() == *id);
    CHECK(*id != kForeignId);
}

TEST_CASE("a row without its mark keeps a store with another id away") {
    IdentityWorld w;
    w.world.objects.faults().fail(StoreCall::put);
    REQUIRE_FALSE(w.identity.establish(w.world.call).ok());
    w.give_store(kForeignId);
    CHECK(w.identity.establish(w.world.call).code() == Code::failed_precondition);
    CHECK(w.shown() == kForeignId);
    CHECK_FALSE(w.placed());
}

TEST_CASE("a store without an id must look like the database's") {
    IdentityWorld w;
    SECTION("the database has blobs and the store has none of them") {
        const auto blob = w.world.add_blob("image");
        w.world.objects.erase(blob.storage_key);
        CHECK(w.identity.establish(w.world.call).code() == Code::failed_precondition);
        w.world.add_blob("another");
        CHECK(w.identity.establish(w.world.call).ok());
    }
    SECTION("the store has objects and the database has no blob") {
        w.world.objects.set(blob_of("image").storage_key, "image");
        CHECK(w.identity.establish(w.world.call).code() == Code::failed_precondition);
        CHECK(w.identity.adopt(w.world.call, false).status().code() == Code::failed_precondition);
        CHECK(w.identity.adopt(w.world.call, true).ok());
    }
    SECTION("the store has objects of which the database knows one") {
        w.world.objects.set(blob_of("image").storage_key, "image");
        w.world.objects.set("blobs/z", "image");
        w.world.exec("INSERT INTO object_removals VALUES ('blobs/z', 5, 0)");
        CHECK(w.identity.establish(w.world.call).ok());
    }
    SECTION("the store does not answer when a blob is looked for") {
        w.world.add_blob("image");
        w.world.objects.faults().fail(StoreCall::stat);
        CHECK(w.identity.establish(w.world.call).code() == Code::unavailable);
        CHECK(w.known().empty());
    }
}

TEST_CASE("adopting writes the id back into a store that lost it") {
    IdentityWorld w;
    REQUIRE(w.identity.establish(w.world.call).ok());
    const auto id = w.known();
    w.world.objects.erase(kIdentityKey);
    CHECK(w.identity.adopt(w.world.call, false).value() == id);
    CHECK(w.shown() == id);
    CHECK(w.identity.adopt(w.world.call, false).value() == id);
}

TEST_CASE("a copy gets the id of its original and takes no other's place") {
    World world;
    const std::string id(32, 'a');
    CHECK(require_no_other_id(world.call, world.objects, "memory", id).ok());
    CHECK(put_store_id(world.call, world.objects, "memory", id).ok());
    CHECK(put_store_id(world.call, world.objects, "memory", id).ok());
    CHECK(require_no_other_id(world.call, world.objects, "memory", id).ok());
    CHECK(put_store_id(world.call, world.objects, "memory", kForeignId).code() == Code::failed_precondition);
    CHECK(require_no_other_id(world.call, world.objects, "memory", kForeignId).code() == Code::failed_precondition);
}
