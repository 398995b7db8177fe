#include "services/housekeeping/scrubber.h"

#include "services/lease_keeper.h"
#include "world/identified_store.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;

namespace {

struct ScrubberWorld {
    // A blob that is due.
    domain::Blob add(std::string bytes) {
        const auto blob = world.add_blob(std::move(bytes));
        world.exec("UPDATE blobs SET scrubbed_us = NULL WHERE digest = $1", {blob.digest});
        return blob;
    }
    bool run(Scrubber& scrubber) {
        const auto ran = scrubber.run_one(world.call);
        INFO(ran.status().describe());
        REQUIRE(ran.ok());
        return *ran;
    }
    bool due(const domain::Blob& blob) {
        return world.number("SELECT COUNT(*) FROM blobs WHERE digest = $1 AND scrubbed_us IS NULL", {blob.digest}) == 1;
    }
    std::string damage() { return world.text("SELECT COALESCE(damage, '') FROM blobs"); }
    bool leased() { return world.number("SELECT COUNT(*) FROM blobs WHERE scrub_owner IS NOT NULL") > 0; }

    IdentifiedWorld world;
    StoreIdentity other_identity{world.other, world.objects, "memory"};
    Scrubber scrubber{world.pool, world.objects, world.identity, "node-a/1", {0, 24h}};
    Scrubber other{world.other, world.objects, other_identity, "node-b/1", {0, 24h}};
};

}  // namespace

TEST_CASE("a sound blob is read once in an interval") {
    ScrubberWorld w;
    CHECK_FALSE(w.run(w.scrubber));
    const auto blob = w.add("image");
    CHECK(w.run(w.scrubber));
    CHECK_FALSE(w.due(blob));
    CHECK_FALSE(w.leased());
    CHECK(w.scrubber.stats().blobs == 1);
    CHECK(w.scrubber.stats().bytes == 5);
    w.world.clock.advance(24h - 1us);
    CHECK_FALSE(w.run(w.scrubber));
    w.world.clock.advance(1us);
    CHECK(w.run(w.scrubber));
}

TEST_CASE("a blob whose bytes are missing or wrong is marked, and sound again once they are back") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    SECTION("missing") {
        w.world.objects.erase(blob.storage_key);
    }
    SECTION("of another size") {
        w.world.objects.set(blob.storage_key, "imag");
    }
    SECTION("other bytes") {
        w.world.objects.set(blob.storage_key, "imagE");
    }
    CHECK(w.run(w.scrubber));
    CHECK_FALSE(w.damage().empty());
    CHECK(w.scrubber.stats().damaged == 1);
    CHECK_FALSE(w.run(w.scrubber));
    w.world.clock.advance(24h);
    CHECK(w.run(w.scrubber));
    CHECK(w.scrubber.stats().damaged == 1);
    w.world.clock.advance(24h);
    w.world.objects.set(blob.storage_key, "image");
    CHECK(w.run(w.scrubber));
    CHECK(w.damage().empty());
    CHECK(w.scrubber.stats().healed == 1);
}

TEST_CASE("a store that fails says nothing of a blob, and others come first then") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    SECTION("as it is asked") {
        w.world.objects.faults().fail(StoreCall::stat);
    }
    SECTION("as it opens it") {
        w.world.objects.faults().fail(StoreCall::open, away(), 2);
    }
    SECTION("as it is read") {
        w.world.objects.faults().fail(StoreCall::read, away(), 3);
    }
    // The first open and its two reads are those of the identity.
    CHECK(w.scrubber.run_one(w.world.call).status().code() == Code::unavailable);
    CHECK(w.due(blob));
    CHECK(w.damage().empty());
    CHECK(w.scrubber.stats().blobs == 0);
    w.world.clock.advance(10min - 1us);
    CHECK_FALSE(w.run(w.other));
    w.world.clock.advance(1us);
    CHECK(w.run(w.other));
}

TEST_CASE("no blob is marked by the word of another store") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    SECTION("that was there before") {
        w.world.swap_store();
        CHECK(w.scrubber.run_one(w.world.call).status().code() == Code::failed_precondition);
    }
    SECTION("that came while the blob was read") {
        w.world.objects.faults().before(StoreCall::stat, [&] {
            w.world.swap_store();
            return Status();
        });
        CHECK(w.scrubber.run_one(w.world.call).status().code() == Code::failed_precondition);
    }
    CHECK(w.damage().empty());
    CHECK(w.due(blob));
}

TEST_CASE("one node at a time reads a blob") {
    ScrubberWorld w;
    w.add("image");
    bool early = true, due = false;
    w.world.objects.faults().before(StoreCall::stat, [&] {
        w.world.clock.advance(kLeaseTime - 1us);
        early = w.run(w.other);
        w.world.clock.advance(1us);
        due = w.run(w.other);
        return Status();
    });
    CHECK(w.run(w.scrubber));
    CHECK_FALSE(early);
    CHECK(due);
}

TEST_CASE("a blob that was healed while it was read is not marked under its new key") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    w.world.objects.erase(blob.storage_key);
    w.world.objects.faults().before(
        StoreCall::stat,
        [&] {
            w.world.exec("UPDATE blobs SET damaged_us = 1, damage = 'is missing'");
            w.world.exec("UPDATE blobs SET storage_key = 'blobs/new', damaged_us = NULL, damage = NULL");
            return Status();
        },
        2);
    CHECK(w.run(w.scrubber));
    CHECK(w.damage().empty());
}

TEST_CASE("a database that fails leaves the blob to be read again") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    w.world.objects.erase(blob.storage_key);
    // Claim, mark, release.
    const unsigned nth = GENERATE(1u, 2u);
    const bool lost = GENERATE(true, false);
    CAPTURE(nth, lost);
    auto& faults = w.world.database.faults();
    if (lost)
        faults.fail_after(DatabaseCall::commit, answer_lost(), nth);
    else
        faults.fail(DatabaseCall::commit, away(), nth);
    CHECK_FALSE(w.scrubber.run_one(w.world.call).ok());
    CHECK(w.damage().empty() == !(nth == 2 && lost));
    w.world.clock.advance(24h);
    CHECK(w.run(w.other));
    CHECK_FALSE(w.damage().empty());
}

TEST_CASE("a reader that is called off gives the blob back at once") {
    ScrubberWorld w;
    const auto blob = w.add("image");
    w.world.objects.faults().fail(StoreCall::open, Status(Code::cancelled, "called off"), 2);
    CHECK_FALSE(w.run(w.scrubber));
    CHECK(w.due(blob));
    CHECK(w.run(w.other));
}
