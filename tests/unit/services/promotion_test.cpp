#include "services/housekeeping/store_identity.h"
#include "services/uploads/promotion_service.h"
#include "store/catalogue/blobs.h"
#include "store/uploads/uploads.h"
#include "upload_node.h"

using namespace imgsrv;
using namespace imgsrv::test;
using domain::UploadState;
using services::blob_key;
using services::PromotionService;
using services::staging_key;
using services::StoreIdentity;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::Transaction;
using Outcome = PromotionService::Outcome;

namespace {

// Two nodes that promote, and one session of the bytes "image" that is complete.
struct Promotion {
    Promotion() : node(world) {
        REQUIRE(identity.establish(world.call).ok());
        id = add("image");
        opened_before_ = calls_of_open();
    }

    // A complete session; its id.
    std::string add(const std::string& bytes) {
        std::string made = node.begin_with({bytes});
        REQUIRE(node.complete(made).ok());
        return made;
    }
    Result<Outcome> run() { return service.run_one(world.call); }
    // How many objects were opened since the session was complete.
    std::uint64_t opened() { return calls_of_open() - opened_before_; }
    UploadState state() { return node.state(id); }
    std::string failure() { return node.session(id).failure_message.value_or(""); }
    std::uint32_t attempts() { return node.session(id).attempt; }
    std::string key() const { return blob_key(sha256_hex("image"), id); }
    std::string trusted_key() {
        return world.text("SELECT storage_key FROM blobs WHERE digest = $1", {digest_of("image")});
    }
    std::int64_t pause_ms() {
        return (world.number("SELECT not_before_us FROM upload_sessions WHERE id = $1", {id}) -
                to_micros(world.clock.now())) /
               1000;
    }
    // The hash that came with the parts is lost: promotion reads the staged object.
    void forget_hash() {
        world.exec("UPDATE upload_sessions SET hash_state = NULL, hashed_parts = 0, hashed_bytes = 0");
    }
    // The staged bytes are others than were announced.
    void announce_other_bytes() { world.exec("UPDATE upload_sessions SET expected_digest = $1", {digest_of("other")}); }
    bool is_promoted() {
        return state() == UploadState::ready && world.objects.bytes(trusted_key()) == "image" &&
               !world.objects.has(staging_key(id));
    }

    World world;
    UploadNode node;
    StoreIdentity identity{world.pool, world.objects, "memory"};
    StoreIdentity other_identity{world.other, world.objects, "memory"};
    PromotionService service{world.pool, world.objects, identity, {seconds(5), seconds(60)}, "node/1"};
    PromotionService other{world.other, world.objects, other_identity, {seconds(5), seconds(60)}, "other/1"};
    std::string id;

  private:
    std::uint64_t calls_of_open() { return world.objects.faults().calls(StoreCall::open); }
    std::uint64_t opened_before_ = 0;
};

}  // namespace

TEST_CASE("a complete session becomes a trusted blob") {
    Promotion promotion;
    World& world = promotion.world;
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
    CHECK(promotion.trusted_key() == promotion.key());
    CHECK(world.number("SELECT size FROM blobs") == 5);
    CHECK(promotion.opened() == 0);  // hashed as it came
    CHECK(promotion.run().value() == Outcome::idle);
}

TEST_CASE("only sessions that are complete are promoted") {
    Promotion promotion;
    const auto state = GENERATE(UploadState::created, UploadState::uploading, UploadState::ready, UploadState::failed,
                                UploadState::aborted);
    set_upload_state(promotion.world, promotion.id, state);
    CHECK(promotion.run().value() == Outcome::idle);
    CHECK(promotion.state() == state);
}

TEST_CASE("what the running hash does not cover is read") {
    Promotion promotion;
    World& world = promotion.world;
    const std::string two = promotion.node.begin("one two");
    REQUIRE(promotion.node.put(two, 2, "two").ok());
    REQUIRE(promotion.node.put(two, 1, "one ").ok());
    REQUIRE(promotion.node.complete(two)->hashed_parts == 1);
    set_upload_state(world, promotion.id, UploadState::aborted);
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.opened() == 1);
    CHECK(promotion.node.state(two) == UploadState::ready);
}

TEST_CASE("a hash that this program cannot read is made anew") {
    Promotion promotion;
    promotion.world.exec("UPDATE upload_sessions SET hash_state = x'00'");
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
}

TEST_CASE("an empty object is promoted") {
    Promotion promotion;
    const std::string empty = promotion.node.begin_with({""});
    REQUIRE(promotion.node.complete(empty).ok());
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.node.state(empty) == UploadState::ready);
}

TEST_CASE("bytes that are not what was announced are rejected for good") {
    Promotion promotion;
    World& world = promotion.world;
    std::string why;
    SECTION("by the hash that came with the parts") {
        promotion.announce_other_bytes();
        why = "the bytes hash to " + digest_of("image") + ", " + digest_of("other") + " was expected";
    }
    SECTION("by the hash of the staged object") {
        promotion.announce_other_bytes();
        promotion.forget_hash();
        why = "the bytes hash to " + digest_of("image");
    }
    SECTION("by their size") {
        world.objects.set(staging_key(promotion.id), "imag");
        why = "the staged object has 4 bytes, 5 were expected";
    }
    SECTION("gone") {
        world.objects.erase(staging_key(promotion.id));
        why = "the uploaded bytes are gone";
    }
    CHECK(promotion.run().value() == Outcome::rejected);
    CHECK(promotion.state() == UploadState::failed);
    CHECK(promotion.failure().find(why) == 0);
    CHECK_FALSE(world.objects.has(staging_key(promotion.id)));
    CHECK(world.number("SELECT COUNT(*) FROM blobs") == 0);
    CHECK(promotion.run().value() == Outcome::idle);
}

TEST_CASE("bytes are not missed in a store that is not the database's") {
    Promotion promotion;
    World& world = promotion.world;
    world.objects.erase(staging_key(promotion.id));
    world.objects.erase(services::kIdentityKey);
    CHECK(promotion.run().status().code() == Code::failed_precondition);
    CHECK(promotion.state() == UploadState::completed);
}

TEST_CASE("bytes that are trusted already are not read or copied") {
    Promotion promotion;
    World& world = promotion.world;
    world.add_blob("image");
    const std::string key = promotion.trusted_key();
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.state() == UploadState::ready);
    CHECK(promotion.trusted_key() == key);
    CHECK_FALSE(world.objects.has(staging_key(promotion.id)));
    CHECK(world.objects.faults().calls(StoreCall::copy) == 0);
    CHECK(world.objects.faults().calls(StoreCall::stat) == 0);
}

TEST_CASE("a session that expects a trusted blob with another size is rejected") {
    Promotion promotion;
    World& world = promotion.world;
    world.add_blob("image");
    world.exec("UPDATE upload_sessions SET expected_size = 6");
    CHECK(promotion.run().value() == Outcome::rejected);
    CHECK(promotion.failure() == digest_of("image") + " has 5 bytes, 6 were expected");
    CHECK_FALSE(world.objects.has(staging_key(promotion.id)));
}

TEST_CASE("a damaged blob is healed by an upload of its bytes") {
    Promotion promotion;
    World& world = promotion.world;
    world.add_blob("image");
    world.exec("UPDATE blobs SET damage = 'gone', damaged_us = 1");
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
    CHECK(promotion.trusted_key() == promotion.key());
    CHECK(world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 1);
}

TEST_CASE("a blob that loses its trust during the promotion is uploaded after all") {
    Promotion promotion;
    World& world = promotion.world;
    world.add_blob("image");
    const std::string change =
        GENERATE(as<std::string>(), "DELETE FROM blobs", "UPDATE blobs SET damage = 'gone', damaged_us = 1");
    // The first write claims the session, the second ends it.
    world.database.faults().before(
        DatabaseCall::begin_write,
        [&] {
            CHECK(world.exec(change) == 1);
            return Status();
        },
        2);
    const auto first = promotion.run();
    CHECK(first.status().code() == Code::aborted);
    CHECK(first.status().retryable());
    CHECK(promotion.state() == UploadState::completed);
    world.clock.advance(seconds(5));
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
    CHECK(promotion.trusted_key() == promotion.key());
}

TEST_CASE("of two sessions with the same bytes both become ready, and one object stays") {
    Promotion promotion;
    World& world = promotion.world;
    const std::string twin = promotion.add("image");
    world.objects.faults().before(StoreCall::copy, [&] {
        CHECK(promotion.other.run_one(world.call).value() == Outcome::promoted);
        return Status();
    });
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.state() == UploadState::ready);
    CHECK(promotion.node.state(twin) == UploadState::ready);
    auto keys = world.objects.keys();
    std::erase(keys, std::string(services::kIdentityKey));
    CHECK(keys == std::vector{promotion.trusted_key()});
}

TEST_CASE("a session is another worker's when its lease has run out, and not before") {
    Promotion promotion;
    World& world = promotion.world;
    const auto elapsed = GENERATE(microseconds(seconds(30)), microseconds(seconds(30)) - microseconds(1));
    const bool taken = elapsed == microseconds(seconds(30));
    Result<Outcome> other = Outcome::idle;
    // The first write claims the session, the second makes it ready.
    world.database.faults().before(
        DatabaseCall::begin_write,
        [&] {
            world.clock.advance(elapsed);
            other = promotion.other.run_one(world.call);
            return Status();
        },
        2);
    const auto mine = promotion.run();
    CHECK(other.value() == (taken ? Outcome::promoted : Outcome::idle));
    CHECK(mine.status().code() == (taken ? Code::aborted : Code::ok));
    CHECK(promotion.attempts() == (taken ? 2 : 1));
    CHECK(promotion.is_promoted());
}

TEST_CASE("a worker that lost its session neither ends nor returns it") {
    Promotion promotion;
    World& world = promotion.world;
    // Another worker holds it now, under the same name.
    const std::string change = GENERATE(as<std::string>(), "UPDATE upload_sessions SET attempt = attempt + 1",
                                        "UPDATE upload_sessions SET lease_owner = 'other/1'");
    const auto lose = [&] {
        CHECK(world.exec(change) == 1);
        return Status();
    };
    SECTION("when it has promoted it") {
        world.objects.faults().before(StoreCall::copy, lose);
    }
    SECTION("when it rejects it") {
        promotion.announce_other_bytes();
        world.objects.faults().before(StoreCall::stat, lose);
    }
    SECTION("when the store failed it") {
        world.objects.faults().before(StoreCall::copy, [&] {
            static_cast<void>(lose());
            return away();
        });
    }
    static_cast<void>(promotion.run());
    CHECK(promotion.state() == UploadState::ingesting);
    CHECK(world.number("SELECT COUNT(*) FROM blobs") == 0);
    CHECK(world.objects.has(staging_key(promotion.id)));
}

TEST_CASE("a session whose bytes the store does not give out waits, while the store is well") {
    Promotion promotion;
    World& world = promotion.world;
    auto& faults = world.objects.faults();
    promotion.forget_hash();
    SECTION("stat") {
        faults.fail(StoreCall::stat);
    }
    SECTION("open") {
        faults.fail(StoreCall::open);
    }
    SECTION("read") {
        faults.fail(StoreCall::read);
    }
    SECTION("copy") {
        faults.fail(StoreCall::copy);
    }
    SECTION("a copy whose answer is lost") {
        faults.fail_after(StoreCall::copy);
    }
    CHECK(promotion.run().value() == Outcome::postponed);
    CHECK(promotion.state() == UploadState::completed);
    CHECK(promotion.pause_ms() == 5000);

    world.clock.advance(seconds(5) - microseconds(1));
    CHECK(promotion.run().value() == Outcome::idle);
    world.clock.advance(microseconds(1));
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
}

TEST_CASE("a session that waits keeps no other from being promoted") {
    Promotion promotion;
    const std::string next = promotion.add("next");
    promotion.world.objects.faults().fail(StoreCall::copy);
    Outcome first = promotion.run().value();
    Outcome second = promotion.run().value();
    CHECK(first == Outcome::postponed);
    CHECK(second == Outcome::promoted);
}

TEST_CASE("the pause doubles with each attempt, up to the longest") {
    Promotion promotion;
    World& world = promotion.world;
    world.objects.faults().fail_always(StoreCall::copy);
    for (const std::int64_t pause : {5, 10, 20, 40, 60, 60}) {
        CHECK(promotion.run().value() == Outcome::postponed);
        CHECK(promotion.pause_ms() == pause * 1000);
        world.clock.advance(seconds(pause));
    }
}

TEST_CASE("trouble of the whole store is told as its own") {
    Promotion promotion;
    World& world = promotion.world;
    auto& faults = world.objects.faults();
    Status cause = away();
    SECTION("it is not well") {
        faults.fail(StoreCall::health);
    }
    SECTION("it is full, and well") {
        cause = Status(Code::resource_exhausted, "full");
    }
    SECTION("it is not the database's") {
        world.objects.erase(services::kIdentityKey);
    }
    faults.fail(StoreCall::copy, cause);
    CHECK(promotion.run().status().code() == cause.code());
    CHECK(promotion.state() == UploadState::completed);
    CHECK(promotion.pause_ms() == 5000);
}

TEST_CASE("a session that a shutdown interrupts is promoted again at once") {
    Promotion promotion;
    World& world = promotion.world;
    const auto cancellation = std::make_shared<Cancellation>();
    world.objects.faults().before(StoreCall::copy, [&]() -> Status {
        cancellation->cancel();
        return {Code::cancelled, "shutting down"};
    });
    const auto stopped = promotion.service.run_one({"unit-test", std::nullopt, cancellation});
    CHECK(stopped.status().code() == Code::cancelled);
    CHECK(promotion.state() == UploadState::completed);
    CHECK(promotion.pause_ms() == 0);
    CHECK(promotion.other.run_one(world.call).value() == Outcome::promoted);
}

TEST_CASE("a claim that is not committed claims nothing") {
    Promotion promotion;
    World& world = promotion.world;
    SECTION("it did not happen") {
        world.database.faults().fail(DatabaseCall::commit);
        CHECK(promotion.run().status().code() == Code::unavailable);
        CHECK(promotion.state() == UploadState::completed);
    }
    SECTION("it may have happened, and has") {
        world.database.faults().fail_after(DatabaseCall::commit);
        CHECK(promotion.run().status().outcome_unknown());
        CHECK(promotion.state() == UploadState::ingesting);
        CHECK(promotion.run().value() == Outcome::idle);
        world.clock.advance(seconds(30));
    }
    CHECK(promotion.run().value() == Outcome::promoted);
}

TEST_CASE("a promotion that is not committed is done again") {
    Promotion promotion;
    World& world = promotion.world;
    const bool damaged = GENERATE(true, false);
    if (damaged) {
        world.add_blob("image");
        world.exec("UPDATE blobs SET damage = 'gone', damaged_us = 1");
    }
    world.database.faults().fail(DatabaseCall::commit, away(), 2);
    CHECK(promotion.run().status().code() == Code::unavailable);
    CHECK(promotion.state() == UploadState::completed);
    CHECK(world.objects.has(staging_key(promotion.id)));
    CHECK(world.number("SELECT COUNT(*) FROM blobs WHERE damage IS NULL") == 0);
    world.clock.advance(seconds(5));
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.is_promoted());
}

TEST_CASE("a promotion whose commit may have happened holds if it has") {
    Promotion promotion;
    World& world = promotion.world;
    world.database.faults().fail_after(DatabaseCall::commit, answer_lost(), 2);
    CHECK(promotion.run().status().outcome_unknown());
    CHECK(promotion.state() == UploadState::ready);
    CHECK(world.objects.bytes(promotion.trusted_key()) == "image");
    CHECK(promotion.run().value() == Outcome::idle);
    // The sweeper removes what is left in staging.
    CHECK(promotion.node.sweeper.sweep(world.call).ok());
    CHECK(promotion.is_promoted());
}

TEST_CASE("a rejection that is not committed is done again") {
    Promotion promotion;
    World& world = promotion.world;
    promotion.announce_other_bytes();
    world.database.faults().fail(DatabaseCall::commit, away(), 2);
    CHECK(promotion.run().status().code() == Code::unavailable);
    CHECK(promotion.state() == UploadState::completed);
    CHECK(world.objects.has(staging_key(promotion.id)));
    world.clock.advance(seconds(5));
    CHECK(promotion.run().value() == Outcome::rejected);
}

TEST_CASE("a session that could not be returned is taken over when its lease has run out") {
    Promotion promotion;
    World& world = promotion.world;
    world.objects.faults().fail(StoreCall::copy);
    world.database.faults().fail(DatabaseCall::commit, away(), 2);
    CHECK(promotion.run().value() == Outcome::postponed);
    CHECK(promotion.state() == UploadState::ingesting);
    CHECK(promotion.other.run_one(world.call).value() == Outcome::idle);
    world.clock.advance(seconds(30));
    CHECK(promotion.other.run_one(world.call).value() == Outcome::promoted);
}

TEST_CASE("the database's trouble during a promotion is told, and the session returned") {
    Promotion promotion;
    World& world = promotion.world;
    world.database.faults().fail(DatabaseCall::begin_read);
    CHECK(promotion.run().status().code() == Code::unavailable);
    CHECK(promotion.state() == UploadState::completed);
    world.clock.advance(seconds(5));
    CHECK(promotion.run().value() == Outcome::promoted);
}

TEST_CASE("staging that is not emptied takes nothing from a promotion") {
    Promotion promotion;
    World& world = promotion.world;
    world.objects.faults().fail_always(StoreCall::remove);
    CHECK(promotion.run().value() == Outcome::promoted);
    CHECK(promotion.state() == UploadState::ready);
    world.objects.faults().clear();
    CHECK(promotion.node.sweeper.sweep(world.call).ok());
    CHECK(promotion.is_promoted());
}

TEST_CASE("leases of earlier processes of a node end when it starts again") {
    Promotion promotion;
    World& world = promotion.world;
    world.database.faults().fail_after(DatabaseCall::commit);
    REQUIRE(promotion.run().status().outcome_unknown());
    REQUIRE(promotion.state() == UploadState::ingesting);
    const auto [node, ends] = GENERATE(table<std::string, bool>({{"node/", true}, {"other/", false}}));
    world.write([&](Transaction& tx) { return store::uploads::end_leases(tx, node); });
    CHECK(promotion.other.run_one(world.call).value() == (ends ? Outcome::promoted : Outcome::idle));
}
