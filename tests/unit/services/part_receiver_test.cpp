#include "services/uploads/part_receiver.h"

#include "core/sha256.h"
#include "refusing_store.h"
#include "store/uploads/uploads.h"
#include "upload_node.h"

using namespace imgsrv;
using namespace imgsrv::test;
using domain::UploadState;
using services::PartReceiver;
using store::Transaction;

namespace {

MemoryStoreTraits part_etags(bool unique) {
    return {.can_open_part = true, .unique_part_etags = unique, .least_part = 0};
}

}  // namespace

TEST_CASE("an accepted part counts, and the running hash goes on over it") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    const auto part = node.put(id, 1, "ima");
    REQUIRE(part.ok());
    CHECK(part->number == 1);
    CHECK(part->size == 3);
    const auto session = node.session(id);
    CHECK(session.state == UploadState::uploading);
    CHECK(session.bytes_received == 3);
    CHECK(session.hashed_parts == 1);
    CHECK(session.hashed_bytes == 3);
    CHECK(node.accepted == std::vector{id});
    REQUIRE(node.put(id, 2, "ge").ok());
    auto hash = Sha256::restore(node.session(id).hash_state);
    REQUIRE(hash.ok());
    CHECK(hash->hex() == sha256_hex("image"));
}

TEST_CASE("a part after a gap waits to be hashed") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    REQUIRE(node.put(id, 2, "ge").ok());
    CHECK(node.session(id).hashed_parts == 0);
    REQUIRE(node.put(id, 1, "ima").ok());
    CHECK(node.session(id).hashed_parts == 1);
    CHECK(node.accepted.size() == 2);
}

TEST_CASE("where parts cannot be read back, none is announced to the hasher") {
    World world({.can_open_part = false, .unique_part_etags = false, .least_part = 0});
    UploadNode node(world);
    REQUIRE(node.put(node.begin("image"), 1, "image").ok());
    CHECK(node.accepted.empty());
}

TEST_CASE("a part beyond the limits is refused before its bytes") {
    World world({.can_open_part = true, .unique_part_etags = false, .least_part = 3});
    UploadNode node(world, world.pool, {std::chrono::hours(1), 8});
    const std::string id = node.begin("0123456789");
    REQUIRE(node.put(id, 2, "01234").ok());
    const auto [number, length, code] = GENERATE(table<std::int64_t, std::uint64_t, Code>({
        {0, 5, Code::invalid_argument},
        {-1, 5, Code::invalid_argument},
        {10'001, 5, Code::invalid_argument},
        {1, 9, Code::too_large},         // than a part may be
        {1, 6, Code::too_large},         // than the session expects besides part 2
        {2, 9, Code::too_large},         // in place of part 2
        {1, 2, Code::invalid_argument},  // too small to be joined with others
    }));
    CAPTURE(number, length);
    ports::TextReader body(std::string(length, 'x'));
    const auto calls = world.objects.faults().calls(StoreCall::put_part);
    CHECK(node.uploads.put_part(world.call, id, {number, length, std::nullopt}, body).status().code() == code);
    CHECK(world.objects.faults().calls(StoreCall::put_part) == calls);
}

TEST_CASE("a part at the limits is accepted") {
    World world({.can_open_part = true, .unique_part_etags = false, .least_part = 3});
    UploadNode node(world, world.pool, {std::chrono::hours(1), 8});
    const std::string id = node.begin("0123456789");
    const auto [number, length] =
        GENERATE(table<std::uint32_t, std::size_t>({{1, 8}, {1, 3}, {10'000, 8}, {2, 2}, {2, 0}}));
    CAPTURE(number, length);
    CHECK(node.put(id, number, std::string(length, 'x')).ok());
}

TEST_CASE("a small part is the whole object, where the store joins none") {
    World world({.can_open_part = true, .unique_part_etags = false, .least_part = 3});
    UploadNode node(world);
    CHECK(node.put(node.begin("ab"), 1, "ab").ok());
}

TEST_CASE("a body that turns out wrong is not accepted, and what was there counts") {
    World world;
    UploadNode node(world, world.pool, {std::chrono::hours(1), 8});
    const std::string id = node.begin("0123456789");
    const auto older = node.put(id, 1, "01234");
    REQUIRE(older.ok());
    Code code = Code::ok;
    SECTION("longer than a part may be") {
        ports::TextReader body(std::string(9, 'x'));
        code = node.put(id, 1, body).status().code();
        CHECK(code == Code::too_large);
    }
    SECTION("longer than what the session still expects") {
        REQUIRE(node.put(id, 2, "56789").ok());
        ports::TextReader body("0123456");
        code = node.put(id, 1, body).status().code();
        CHECK(code == Code::too_large);
    }
    SECTION("of another digest than declared") {
        ports::TextReader body("43210");
        code = node.uploads.put_part(world.call, id, {1, 5, sha256_hex("01234")}, body).status().code();
        CHECK(code == Code::invalid_argument);
    }
    SECTION("torn") {
        TornBody body("43210");
        code = node.put(id, 1, body).status().code();
        CHECK(code == Code::cancelled);
    }
    SECTION("superseded by a newer request, which is accepted") {
        class Overtaken final : public ports::TextReader {
          public:
            Overtaken(UploadNode& node, std::string id) : TextReader("43210"), node_(node), id_(std::move(id)) {}
            Result<std::size_t> read(std::span<std::byte> buffer) override {
                if (!std::exchange(overtaken_, true)) CHECK(node_.put(id_, 1, "01234").ok());
                return TextReader::read(buffer);
            }

          private:
            UploadNode& node_;
            const std::string id_;
            bool overtaken_ = false;
        };
        Overtaken body(node, id);
        code = node.put(id, 1, body).status().code();
        CHECK(code == Code::aborted);
    }
    CHECK(code != Code::ok);
    CHECK(node.parts(id).front().etag == older->etag);
}

TEST_CASE("the digest that a client declares is checked") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    ports::TextReader body("image");
    CHECK(node.uploads.put_part(world.call, id, {1, 5, sha256_hex("image")}, body).ok());
}

TEST_CASE("a session that takes no parts refuses them before their bytes") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"im"});
    world.exec("UPDATE upload_sessions SET expected_size = 5");
    SECTION("by its state") {
        set_upload_state(world, id,
                         GENERATE(UploadState::completed, UploadState::ingesting, UploadState::ready,
                                  UploadState::failed, UploadState::aborted));
    }
    SECTION("by its age") {
        world.clock.advance(std::chrono::hours(24));
    }
    CHECK(node.put(id, 2, "age").status().code() == Code::failed_precondition);
    CHECK(world.objects.faults().calls(StoreCall::put_part) == 1);
}

TEST_CASE("a session takes parts until the moment it expires") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    world.clock.advance(std::chrono::hours(24) - std::chrono::microseconds(1));
    CHECK(node.put(id, 1, "image").ok());
}

TEST_CASE("a session that ends while a part comes in does not accept it") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin("image");
    const bool again = GENERATE(true, false);
    if (again) REQUIRE(node.put(id, 1, "image").ok());
    const auto end = GENERATE(as<std::string>(), "aborted", "completed", "expired");
    CAPTURE(again, end);
    HookedBody body("image", [&] {
        if (end == "expired")
            world.clock.advance(std::chrono::hours(24));
        else if (end == "aborted")
            CHECK(other.uploads.abort(world.call, id).ok());
        else
            set_upload_state(world, id, UploadState::completed);
    });
    const std::size_t before = node.parts(id).size();
    const Status refused = node.put(id, 1, body).status();
    CHECK(refused.code() == Code::failed_precondition);
    CHECK(refused.message().find(end) != std::string_view::npos);
    CHECK(node.parts(id).size() == before);
}

TEST_CASE("a part that is sent again counts until its new bytes have ended") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    const std::string id = node.begin("image");
    const auto older = node.put(id, 1, "older");
    REQUIRE(older.ok());
    HookedBody body("newer", [&] { CHECK(node.parts(id).front().etag == older->etag); });
    const auto newer = node.put(id, 1, body);
    REQUIRE(newer.ok());
    CHECK(newer->etag != older->etag);
    CHECK(node.parts(id).front().etag == newer->etag);
}

TEST_CASE("a part that is sent again does not count once the store may have let go of it") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    SECTION("the store's answer is lost") {
        world.objects.faults().fail_after(StoreCall::put_part);
    }
    SECTION("the part's row is not committed") {
        world.database.faults().fail(DatabaseCall::commit, away(), 2);
    }
    CHECK(node.put(id, 1, "IMAGE").status().code() == Code::unavailable);
    CHECK(node.parts(id).empty());
    CHECK(node.session(id).bytes_received == 0);
    CHECK(node.session(id).hashed_parts == 0);
    CHECK(node.put(id, 1, "image").ok());
    CHECK(node.complete(id)->state == UploadState::completed);
}

TEST_CASE("the store keeps nothing of a part that the database does not know to be on its way") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    const auto older = node.parts(id);
    SECTION("it does not know") {
        world.database.faults().fail(DatabaseCall::commit);
        CHECK(node.put(id, 1, "IMAGE").status().code() == Code::unavailable);
        CHECK(node.parts(id).front().etag == older.front().etag);
        CHECK(node.complete(id)->state == UploadState::completed);
        CHECK(world.objects.bytes(services::staging_key(id)) == "image");
    }
    SECTION("it may know, and does") {
        world.database.faults().fail_after(DatabaseCall::commit);
        CHECK(node.put(id, 1, "IMAGE").status().outcome_unknown());
        CHECK(node.parts(id).empty());
        // The store still has the older bytes, so naming them would be true; the session says otherwise.
        CHECK(node.uploads.complete(world.call, id, older).status().code() == Code::invalid_argument);
    }
}

TEST_CASE("a part that the store does not take is not accepted") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    const std::string id = node.begin("image");
    SECTION("away") {
        world.objects.faults().fail(StoreCall::put_part);
        CHECK(node.put(id, 1, "image").status().code() == Code::unavailable);
    }
    SECTION("full") {
        world.objects.faults().fail(StoreCall::put_part, Status(Code::resource_exhausted, "full"));
        CHECK(node.put(id, 1, "image").status().code() == Code::resource_exhausted);
    }
    CHECK(node.parts(id).empty());
    CHECK(node.state(id) == UploadState::created);
    CHECK(node.accepted.empty());
    CHECK(node.put(id, 1, "image").ok());
}

TEST_CASE("what the store says of a session that ended is not what the client is told") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin("image");
    world.objects.faults().before(StoreCall::put_part, [&]() -> Status {
        CHECK(other.uploads.abort(world.call, id).ok());
        return {Code::not_found, "no such upload"};
    });
    const Status refused = node.put(id, 1, "image").status();
    CHECK(refused.code() == Code::failed_precondition);
    CHECK(refused.message().find("aborted") != std::string_view::npos);
}

TEST_CASE("a part whose commit may have happened is listed if it has") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    // The first commit records the send.
    world.database.faults().fail_after(DatabaseCall::commit, answer_lost(), 2);
    CHECK(node.put(id, 1, "image").status().outcome_unknown());
    CHECK(node.parts(id).size() == 1);
    CHECK(node.session(id).hashed_parts == 1);
}

TEST_CASE("a store that takes a part without reading it to its end is not believed") {
    class Hasty final : public RefusingStore {
      public:
        Result<std::string> put_part(const ports::Call&, std::string_view, std::string_view, std::uint32_t,
                                     ports::ByteReader&) override {
            return std::string("etag");
        }
    };
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    Hasty hasty;
    PartReceiver receiver(world.pool, hasty, node.in_flight, 100);
    ports::TextReader body("image");
    CHECK(receiver.receive(world.call, id, {1, 5, std::nullopt}, body).status().code() == Code::internal);
    CHECK(node.parts(id).empty());
}

TEST_CASE("a part that was hashed and is sent again takes the hash back to the start") {
    World world(part_etags(GENERATE(true, false)));
    UploadNode node(world);
    const std::string id = node.begin_with({"one", "two", "six"});
    REQUIRE(node.session(id).hashed_parts == 3);
    REQUIRE(node.put(id, 2, "TWO").ok());
    CHECK(node.session(id).hashed_parts == 0);
    CHECK(node.session(id).hash_state.empty());
}

TEST_CASE("the hash goes on over a part that is sent again if its etag can stand for no other bytes") {
    const bool unique = GENERATE(true, false);
    World world(part_etags(unique));
    UploadNode node(world);
    const std::string id = node.begin("image");
    TornBody torn("ima");
    CHECK_FALSE(node.put(id, 1, torn).ok());  // never reached its end: not a send
    world.objects.faults().fail_after(StoreCall::put_part);
    CHECK_FALSE(node.put(id, 1, "ima").ok());
    REQUIRE(node.put(id, 1, "ima").ok());
    CHECK(node.session(id).hashed_parts == (unique ? 1 : 0));
}

TEST_CASE("a part whose body never ended counts as sent once") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    TornBody torn("ima");
    CHECK_FALSE(node.put(id, 1, torn).ok());
    REQUIRE(node.put(id, 1, "ima").ok());
    CHECK(node.session(id).hashed_parts == 1);
}

TEST_CASE("the hash that another thread or node moved stays as it is") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin("one two");
    SECTION("a thread owns it") {
        const auto in_flight = node.in_flight.session(id);
        REQUIRE(in_flight->try_own_hash());
        REQUIRE(node.put(id, 1, "one ").ok());
        CHECK(node.session(id).hashed_parts == 0);
    }
    SECTION("a node moved it in the meantime") {
        REQUIRE(other.put(id, 2, "two").ok());
        HookedBody body("one ", [&] {
            REQUIRE(other.put(id, 1, "one ").ok());
            CHECK(other.session(id).hashed_parts == 1);
        });
        REQUIRE(node.put(id, 1, body).ok());
        CHECK(node.session(id).hashed_parts == 0);  // replaced: the two nodes' bytes need not be the same
    }
}

TEST_CASE("the right to hash is free again after each part") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    const auto in_flight = node.in_flight.session(id);
    SECTION("accepted") {
        REQUIRE(node.put(id, 1, "ima").ok());
    }
    SECTION("refused") {
        TornBody torn("ima");
        CHECK_FALSE(node.put(id, 1, torn).ok());
    }
    CHECK(in_flight->try_own_hash());
}

TEST_CASE("a hash that this program cannot read is left alone") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"ima"});
    world.exec("UPDATE upload_sessions SET expected_size = 5, hash_state = x'00'");
    REQUIRE(node.put(id, 2, "ge").ok());
    CHECK(node.session(id).hashed_parts == 1);
}
