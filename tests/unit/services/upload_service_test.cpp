#include "services/uploads/upload_service.h"

#include "domain/upload.h"
#include "store/uploads/uploads.h"
#include "upload_node.h"

using namespace imgsrv;
using namespace imgsrv::test;
using domain::UploadState;
using services::NewUpload;
using services::staging_key;
using store::Transaction;

namespace {

std::int64_t count_sessions(World& world) {
    return world.number("SELECT COUNT(*) FROM upload_sessions");
}

}  // namespace

TEST_CASE("a new session waits for its parts until it expires") {
    World world;
    UploadNode node(world);
    const auto made =
        node.uploads.create(world.call, {digest_of("image"), 5, "application/gzip", "image.tar.gz"}, "principal");
    REQUIRE(made.ok());
    CHECK_FALSE(made->already_trusted);
    const auto found = node.session(made->session.id);
    CHECK(found.state == UploadState::created);
    CHECK(found.expected_digest == digest_of("image"));
    CHECK(found.expected_size == 5);
    CHECK(found.media_type_hint == "application/gzip");
    CHECK(found.filename_hint == "image.tar.gz");
    CHECK(found.created == world.clock.now());
    CHECK(found.expires == world.clock.now() + std::chrono::hours(24));
    CHECK(found.bytes_received == 0);
    CHECK(world.objects.uploads() == std::vector{found.storage_upload_id});
}

TEST_CASE("a session that makes no sense leaves nothing behind") {
    World world;
    UploadNode node(world, world.pool, {std::chrono::seconds(60), 10});
    const auto [request, code] = GENERATE(table<NewUpload, Code>({
        {{"md5:1234", 5, {}, {}}, Code::invalid_argument},
        {{digest_of("image"), -1, {}, {}}, Code::invalid_argument},
        {{digest_of("image"), 100'001, {}, {}}, Code::too_large},
        {{digest_of("image"), 5, "no media type", {}}, Code::invalid_argument},
        {{digest_of("image"), 5, {}, std::string(256, 'n')}, Code::invalid_argument},
    }));
    CHECK(node.uploads.create(world.call, request, "principal").status().code() == code);
    CHECK(count_sessions(world) == 0);
    CHECK(world.objects.uploads().empty());
}

TEST_CASE("as many bytes as fit into all parts can be announced") {
    World world;
    UploadNode node(world, world.pool, {std::chrono::seconds(60), 10});
    CHECK(node.uploads.create(world.call, {digest_of("image"), 100'000, {}, {}}, "principal").ok());
}

TEST_CASE("bytes that are here already need no parts") {
    World world;
    UploadNode node(world);
    world.add_blob("image");
    const auto made = node.announce("image");
    REQUIRE(made.ok());
    CHECK(made->already_trusted);
    CHECK(node.state(made->session.id) == UploadState::ready);
    CHECK(world.objects.uploads().empty());
}

TEST_CASE("bytes that are here with another size are refused") {
    World world;
    UploadNode node(world);
    world.add_blob("image");
    const auto made = node.uploads.create(world.call, {digest_of("image"), 6, {}, {}}, "principal");
    CHECK(made.status().code() == Code::invalid_argument);
    CHECK(count_sessions(world) == 0);
}

TEST_CASE("a damaged blob can be uploaded again") {
    World world;
    UploadNode node(world);
    world.add_blob("image");
    world.exec("UPDATE blobs SET damage = 'gone', damaged_us = 1");
    const auto made = node.announce("image");
    REQUIRE(made.ok());
    CHECK_FALSE(made->already_trusted);
    CHECK(node.state(made->session.id) == UploadState::created);
}

TEST_CASE("a session that cannot be made leaves no row, and in the store only what the sweeper finds") {
    World world;
    UploadNode node(world);
    std::size_t orphans = 0;
    auto& database = world.database.faults();
    auto& store = world.objects.faults();
    SECTION("the first look at the blob fails") {
        database.fail(DatabaseCall::commit);
    }
    SECTION("the store makes no upload") {
        store.fail(StoreCall::multipart_create);
    }
    SECTION("the store's answer is lost") {
        store.fail_after(StoreCall::multipart_create);
        orphans = 1;
    }
    SECTION("the row is not committed") {
        database.fail(DatabaseCall::commit, away(), 2);
    }
    SECTION("the row is not committed, and the upload stays") {
        database.fail(DatabaseCall::commit, away(), 2);
        store.fail(StoreCall::multipart_abort);
        orphans = 1;
    }
    SECTION("whether the row is committed is unknown, and it is not") {
        database.fail(DatabaseCall::commit, answer_lost(), 2);
        orphans = 1;
    }
    CHECK(node.announce("image").status().code() == Code::unavailable);
    CHECK(count_sessions(world) == 0);
    CHECK(world.objects.uploads().size() == orphans);

    world.clock.advance(std::chrono::minutes(16));
    CHECK(node.sweeper.sweep(world.call).ok());
    CHECK(world.objects.uploads().empty());
}

TEST_CASE("a session whose commit may have happened keeps its upload in the store") {
    World world;
    UploadNode node(world);
    world.database.faults().fail_after(DatabaseCall::commit, answer_lost(), 2);
    CHECK(node.announce("image").status().outcome_unknown());
    const std::string id = world.text("SELECT id FROM upload_sessions");
    CHECK(node.put(id, 1, "image").ok());
    CHECK(node.complete(id).ok());
}

TEST_CASE("every question about a session that does not exist is answered with not_found") {
    World world;
    UploadNode node(world);
    ports::TextReader body("image");
    CHECK(node.uploads.get(world.call, "none").status().code() == Code::not_found);
    CHECK(node.uploads.parts(world.call, "none").status().code() == Code::not_found);
    CHECK(node.put("none", 1, body).status().code() == Code::not_found);
    CHECK(node.uploads.complete(world.call, "none", {}).status().code() == Code::not_found);
    CHECK(node.uploads.abort(world.call, "none").status().code() == Code::not_found);
}

TEST_CASE("a completion makes one object of the parts and calls promotion") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("one two");
    REQUIRE(node.put(id, 1, "one ").ok());
    REQUIRE(node.put(id, 3, "two").ok());
    const auto session = node.complete(id);
    REQUIRE(session.ok());
    CHECK(session->state == UploadState::completed);
    CHECK(node.completed == 1);
    CHECK(world.objects.bytes(staging_key(id)) == "one two");
    CHECK(world.objects.uploads().empty());
    CHECK(session->hashed_parts == 1);  // part 3 came after a gap
}

TEST_CASE("a part that is not named does not count") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    REQUIRE(node.put(id, 1, "im").ok());
    REQUIRE(node.put(id, 2, "ag").ok());
    REQUIRE(node.put(id, 3, "e").ok());
    auto named = node.parts(id);
    world.exec("UPDATE upload_sessions SET expected_size = 3");
    named.erase(named.begin() + 1);
    const auto session = node.uploads.complete(world.call, id, named);
    REQUIRE(session.ok());
    CHECK(world.objects.bytes(staging_key(id)) == "ime");
    CHECK(node.parts(id).size() == 2);
    CHECK(session->hashed_parts == 0);  // the hash covered the part that was left out
}

TEST_CASE("a completion that names other parts than were accepted changes nothing") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"im", "age"});
    auto named = node.parts(id);
    SECTION("none") {
        named.clear();
    }
    SECTION("one that is missing") {
        named[1].number = 3;
    }
    SECTION("one with another etag") {
        named[1].etag = "other";
    }
    SECTION("one with another size") {
        named[1].size = 4;
    }
    SECTION("in another order") {
        std::swap(named[0], named[1]);
    }
    CHECK(node.uploads.complete(world.call, id, named).status().code() == Code::invalid_argument);
    CHECK(node.state(id) == UploadState::uploading);
    CHECK(node.parts(id).size() == 2);
    CHECK_FALSE(world.objects.has(staging_key(id)));
}

TEST_CASE("parts of another total than expected fail the session for good") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin("image");
    REQUIRE(node.put(id, 1, "ima").ok());
    const auto session = node.complete(id);
    REQUIRE(session.ok());
    CHECK(session->state == UploadState::failed);
    CHECK(session->failure_message == "the parts hold 3 bytes, 5 were expected");
    CHECK(world.objects.uploads().empty());
    CHECK(node.completed == 0);
    CHECK(node.complete(id)->state == UploadState::failed);
}

TEST_CASE("a wrong total fails no session that another request has completed") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin_with({"im", "age"});
    auto named = node.parts(id);
    named.pop_back();
    world.database.faults().before(DatabaseCall::begin_write, [&] { return other.complete(id).status(); });
    CHECK(node.uploads.complete(world.call, id, named)->state == UploadState::completed);
    CHECK(world.objects.bytes(staging_key(id)) == "image");
}

TEST_CASE("a repeated completion is answered with what became of the first") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    const auto named = node.parts(id);
    REQUIRE(node.complete(id).ok());
    const auto state =
        GENERATE(UploadState::completed, UploadState::ingesting, UploadState::ready, UploadState::failed);
    set_upload_state(world, id, state);
    const auto again = node.uploads.complete(world.call, id, named);
    REQUIRE(again.ok());
    CHECK(again->state == state);
    CHECK(node.completed == 1);
}

TEST_CASE("a session that was aborted or has expired is not completed") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    if (GENERATE(true, false))
        set_upload_state(world, id, UploadState::aborted);
    else
        world.clock.advance(std::chrono::hours(24));
    CHECK(node.complete(id).status().code() == Code::failed_precondition);
    CHECK_FALSE(world.objects.has(staging_key(id)));
}

TEST_CASE("a completion that the store fails can be repeated") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.objects.faults().fail(StoreCall::multipart_complete);
    CHECK(node.complete(id).status().code() == Code::unavailable);
    CHECK(node.state(id) == UploadState::uploading);
    CHECK(node.completed == 0);
    CHECK(node.complete(id)->state == UploadState::completed);
    CHECK(node.session(id).hashed_parts == 1);
}

TEST_CASE("the store's error stays when nobody can tell whether the object is there") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.objects.faults().fail_after(StoreCall::multipart_complete, Status(Code::resource_exhausted, "full"));
    world.objects.faults().fail(StoreCall::stat);
    CHECK(node.complete(id).status().code() == Code::resource_exhausted);
    CHECK(node.state(id) == UploadState::uploading);
    CHECK(node.complete(id)->state == UploadState::completed);
}

TEST_CASE("an object that an earlier completion made counts, but not what was hashed for it") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    REQUIRE(node.session(id).hashed_parts == 1);
    SECTION("its answer was lost") {
        world.objects.faults().fail_after(StoreCall::multipart_complete);
    }
    SECTION("its process died before the row") {
        world.database.faults().fail(DatabaseCall::commit);
        CHECK(node.complete(id).status().code() == Code::unavailable);
        CHECK(node.state(id) == UploadState::uploading);
    }
    const auto session = node.complete(id);
    REQUIRE(session.ok());
    CHECK(session->state == UploadState::completed);
    CHECK(session->hashed_parts == 0);
    CHECK(node.completed == 1);
}

TEST_CASE("an object of another size in staging is no completion") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.objects.set(staging_key(id), "ima");
    world.objects.faults().fail(StoreCall::multipart_complete);
    CHECK(node.complete(id).status().code() == Code::unavailable);
    CHECK(node.state(id) == UploadState::uploading);
}

TEST_CASE("a completion whose commit may have happened is answered when it is repeated") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    const auto named = node.parts(id);
    world.database.faults().fail_after(DatabaseCall::commit);
    CHECK(node.uploads.complete(world.call, id, named).status().outcome_unknown());
    CHECK(node.state(id) == UploadState::completed);
    CHECK(node.uploads.complete(world.call, id, named)->state == UploadState::completed);
}

TEST_CASE("two nodes that complete at once hand the session to promotion once") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin_with({"image"});
    const auto named = node.parts(id);
    const auto complete_elsewhere = [&] {
        CHECK(other.complete(id).ok());
        set_upload_state(world, id, UploadState::ingesting);
        return Status();
    };
    SECTION("before this one joins the parts") {
        world.objects.faults().before(StoreCall::multipart_complete, complete_elsewhere);
    }
    SECTION("before this one's commit") {
        world.database.faults().before(DatabaseCall::begin_write, complete_elsewhere);
    }
    const auto session = node.uploads.complete(world.call, id, named);
    REQUIRE(session.ok());
    CHECK(session->state == UploadState::ingesting);
    CHECK(world.number("SELECT COUNT(*) FROM upload_sessions WHERE state = 'completed'") == 0);
}

TEST_CASE("a session that is aborted during its completion is not completed") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin_with({"image"});
    const auto abort_elsewhere = [&]() -> Status { return other.uploads.abort(world.call, id).status(); };
    SECTION("before the parts are joined") {
        world.objects.faults().before(StoreCall::multipart_complete, abort_elsewhere);
    }
    SECTION("before the commit") {
        world.database.faults().before(DatabaseCall::begin_write, abort_elsewhere);
    }
    CHECK(node.complete(id).status().code() == Code::failed_precondition);
    CHECK(node.state(id) == UploadState::aborted);
}

TEST_CASE("bytes that were sent twice under one etag are hashed again") {
    const bool unique = GENERATE(true, false);
    World world({.can_open_part = true, .unique_part_etags = unique, .least_part = 0});
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    // Another node's store may have kept other bytes.
    world.write([&](Transaction& tx) { return store::uploads::record_send(tx, id, 1); });
    const auto session = node.complete(id);
    REQUIRE(session.ok());
    CHECK(session->hashed_parts == (unique ? 1 : 0));
}

TEST_CASE("a session can be aborted until promotion owns it") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    const auto [state, may] = GENERATE(table<UploadState, bool>({
        {UploadState::created, true},
        {UploadState::uploading, true},
        {UploadState::completed, true},
        {UploadState::ingesting, false},
        {UploadState::ready, false},
        {UploadState::failed, false},
        {UploadState::aborted, true},
    }));
    set_upload_state(world, id, state);
    world.objects.set(staging_key(id), "image");
    const auto aborted = node.uploads.abort(world.call, id);
    CHECK(aborted.status().code() == (may ? Code::ok : Code::failed_precondition));
    CHECK(node.state(id) == (may ? UploadState::aborted : state));
    const bool emptied = may && state != UploadState::aborted;
    CHECK(world.objects.has(staging_key(id)) == !emptied);
    CHECK(world.objects.uploads().empty() == emptied);
}

TEST_CASE("a session that has expired can be aborted, and twice") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.clock.advance(std::chrono::hours(25));
    CHECK(node.uploads.abort(world.call, id)->state == UploadState::aborted);
    CHECK(node.uploads.abort(world.call, id)->state == UploadState::aborted);
}

TEST_CASE("an abort holds although the store keeps its bytes for now") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.objects.set(staging_key(id), "image");
    world.objects.faults().fail(GENERATE(StoreCall::multipart_abort, StoreCall::remove));
    CHECK(node.uploads.abort(world.call, id)->state == UploadState::aborted);
    CHECK(world.objects.has(staging_key(id)));
    CHECK(node.sweeper.sweep(world.call).ok());
    CHECK_FALSE(world.objects.has(staging_key(id)));
    CHECK(world.objects.uploads().empty());
}

TEST_CASE("an abort that is not committed leaves the session and its bytes") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    SECTION("it did not happen") {
        world.database.faults().fail(DatabaseCall::commit);
        CHECK(node.uploads.abort(world.call, id).status().code() == Code::unavailable);
        CHECK(node.state(id) == UploadState::uploading);
        CHECK(node.complete(id).ok());
    }
    SECTION("it may have happened, and has") {
        world.database.faults().fail_after(DatabaseCall::commit);
        CHECK(node.uploads.abort(world.call, id).status().outcome_unknown());
        CHECK(node.uploads.abort(world.call, id)->state == UploadState::aborted);
        CHECK(node.sweeper.sweep(world.call).ok());
        CHECK(world.objects.uploads().empty());
    }
}
