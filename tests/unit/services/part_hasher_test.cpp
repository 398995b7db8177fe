#include "services/uploads/part_hasher.h"

#include <thread>

#include "core/cancel.h"
#include "core/sha256.h"
#include "store/uploads/uploads.h"
#include "upload_node.h"

using namespace imgsrv;
using namespace imgsrv::test;
using domain::UploadState;
using store::Transaction;

namespace {

// Parts 3, 2 and 1 of "onetwosix": the hash is at part 1, and the others wait.
struct Backlog {
    explicit Backlog(MemoryStoreTraits traits = {}) : world(traits), node(world), id(node.begin("onetwosix")) {
        REQUIRE(node.put(id, 3, "six").ok());
        REQUIRE(node.put(id, 2, "two").ok());
        REQUIRE(node.put(id, 1, "one").ok());
        REQUIRE(hashed() == 1);
    }

    std::uint32_t hashed() { return node.session(id).hashed_parts; }
    Status run() { return node.hasher.hash_backlog(world.call, id); }
    std::uint64_t opened() { return world.objects.faults().calls(StoreCall::open_part); }
    // The running hash is that of the parts that it claims.
    bool is_true(std::string_view whole = "onetwosix") {
        const auto session = node.session(id);
        auto hash = session.hashed_parts == 0 ? Sha256() : Sha256::restore(session.hash_state);
        const std::string_view covered = whole.substr(0, session.hashed_bytes);
        return session.hashed_bytes == session.hashed_parts * 3 && hash.ok() && hash->hex() == sha256_hex(covered);
    }

    World world;
    UploadNode node;
    const std::string id;
};

}  // namespace

TEST_CASE("parts that came before their turn are hashed once the gap has closed") {
    Backlog backlog;
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 3);
    CHECK(backlog.is_true());
    CHECK(backlog.run().ok());
    CHECK(backlog.opened() == 2);
}

TEST_CASE("hashing stops at the next gap") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("onetwosixten");
    for (const std::uint32_t number : {4U, 2U, 1U}) REQUIRE(node.put(id, number, "abc").ok());
    CHECK(node.hasher.hash_backlog(world.call, id).ok());
    CHECK(node.session(id).hashed_parts == 2);
}

TEST_CASE("nothing is read where nothing is to be hashed") {
    const bool can_open = GENERATE(true, false);
    Backlog backlog({.can_open_part = can_open, .unique_part_etags = false, .least_part = 0});
    if (can_open)
        set_upload_state(backlog.world, backlog.id,
                         GENERATE(UploadState::completed, UploadState::ingesting, UploadState::ready,
                                  UploadState::failed, UploadState::aborted));
    CHECK(backlog.run().ok());
    CHECK(backlog.opened() == 0);
    CHECK(backlog.hashed() == 1);
}

TEST_CASE("a session that does not exist is not_found to the hasher") {
    World world;
    UploadNode node(world);
    CHECK(node.hasher.hash_backlog(world.call, "none").code() == Code::not_found);
}

TEST_CASE("the hasher leaves the hash to the thread that owns it") {
    Backlog backlog;
    const auto in_flight = backlog.node.in_flight.session(backlog.id);
    REQUIRE(in_flight->try_own_hash());
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 1);
    in_flight->release_hash();
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 3);
    CHECK(in_flight->try_own_hash());
}

TEST_CASE("a completion that waits gets the hash when the hasher is done with its part") {
    Backlog backlog;
    const auto in_flight = backlog.node.in_flight.session(backlog.id);
    std::uint32_t seen = 0;
    std::thread completion;
    backlog.world.objects.faults().before(StoreCall::open_part, [&] {
        completion = std::thread([&] {
            in_flight->wait_to_own_hash();
            seen = backlog.node.uploads.get(backlog.world.call, backlog.id)->hashed_parts;
        });
        while (!in_flight->hash_wanted()) std::this_thread::yield();
        return Status();
    });
    const Status status = backlog.run();
    completion.join();
    CHECK(status.ok());
    CHECK(seen == 2);
    CHECK(backlog.hashed() == 2);
    CHECK(backlog.is_true());
}

TEST_CASE("a cancelled call hashes no further part") {
    Backlog backlog;
    const auto cancellation = std::make_shared<Cancellation>();
    const ports::Call call{"unit-test", std::nullopt, cancellation};
    SECTION("before the first") {
        cancellation->cancel();
        CHECK(backlog.node.hasher.hash_backlog(call, backlog.id).ok());
        CHECK(backlog.hashed() == 1);
    }
    SECTION("while one is read") {
        backlog.world.objects.faults().before(StoreCall::read, [&] {
            cancellation->cancel();
            return Status();
        });
        CHECK(backlog.node.hasher.hash_backlog(call, backlog.id).code() == Code::cancelled);
        CHECK(backlog.hashed() == 1);
    }
}

TEST_CASE("what fails leaves the hash where it was, and the next run goes on") {
    Backlog backlog;
    auto& store = backlog.world.objects.faults();
    auto& database = backlog.world.database.faults();
    SECTION("the store opens nothing") {
        store.fail(StoreCall::open_part);
    }
    SECTION("the store fails in the middle") {
        store.fail(StoreCall::read, away(), 2);
    }
    SECTION("the database does not say what is next") {
        database.fail(DatabaseCall::begin_read);
    }
    SECTION("the database does not commit") {
        database.fail(DatabaseCall::commit);
    }
    CHECK(backlog.run().code() == Code::unavailable);
    CHECK(backlog.hashed() == 1);
    CHECK(backlog.is_true());
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 3);
}

TEST_CASE("a step whose commit may have happened is not taken twice") {
    Backlog backlog;
    backlog.world.database.faults().fail_after(DatabaseCall::commit);
    CHECK(backlog.run().outcome_unknown());
    CHECK(backlog.hashed() == 2);
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 3);
    CHECK(backlog.is_true());
}

TEST_CASE("a part that was replaced while it was read does not count") {
    const bool unique = GENERATE(true, false);
    Backlog backlog({.can_open_part = true, .unique_part_etags = unique, .least_part = 0});
    UploadNode other(backlog.world, backlog.world.other);
    const auto replace = [&] {
        CHECK(other.put(backlog.id, 2, "TWO").ok());
        return Status();
    };
    SECTION("before it was opened") {
        backlog.world.objects.faults().before(StoreCall::open_part, replace);
    }
    SECTION("before the step was committed") {
        backlog.world.database.faults().before(DatabaseCall::begin_write, replace);
    }
    CHECK(backlog.run().ok());
    // The other node's bytes came in order, and count if their etag can stand for no others.
    CHECK(backlog.hashed() >= (unique ? 2U : 1U));
    CHECK(backlog.is_true("oneTWOsix"));
}

TEST_CASE("a part that was removed while it was read does not count") {
    Backlog backlog;
    backlog.world.database.faults().before(DatabaseCall::begin_write, [&] {
        backlog.world.exec("DELETE FROM upload_parts WHERE number = 2");
        return Status();
    });
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 1);
}

TEST_CASE("a hash that another node moved in the meantime stays") {
    Backlog backlog;
    UploadNode other(backlog.world, backlog.world.other);
    backlog.world.database.faults().before(DatabaseCall::begin_write, [&] {
        CHECK(other.hasher.hash_backlog(backlog.world.call, backlog.id).ok());
        return Status();
    });
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 3);
    CHECK(backlog.is_true());
}

TEST_CASE("a session that was completed while a part was read keeps its hash") {
    Backlog backlog;
    UploadNode other(backlog.world, backlog.world.other);
    backlog.world.database.faults().before(DatabaseCall::begin_write, [&] {
        CHECK(other.complete(backlog.id).ok());
        return Status();
    });
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 1);
    CHECK(backlog.is_true());
}

TEST_CASE("a part whose stored bytes have another length than its row does not count") {
    Backlog backlog;
    backlog.world.exec("UPDATE upload_parts SET size = 2 WHERE number = 2");
    CHECK(backlog.run().ok());
    CHECK(backlog.hashed() == 1);
}

TEST_CASE("a hash saved by another program is left to promotion") {
    Backlog backlog;
    backlog.world.exec("UPDATE upload_sessions SET hash_state = x'00'");
    CHECK(backlog.run().ok());
    CHECK(backlog.opened() == 0);
}
