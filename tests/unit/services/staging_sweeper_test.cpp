#include "services/uploads/staging_sweeper.h"

#include "store/uploads/uploads.h"
#include "upload_node.h"

using namespace imgsrv;
using namespace imgsrv::test;
using domain::UploadState;
using services::staging_key;
using services::UploadOptions;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;

namespace {

constexpr UploadState kEveryUploadState[] = {UploadState::created,   UploadState::uploading, UploadState::completed,
                                             UploadState::ingesting, UploadState::ready,     UploadState::failed,
                                             UploadState::aborted};

bool takes_parts(UploadState state) {
    return state == UploadState::created || state == UploadState::uploading;
}
bool has_ended(UploadState state) {
    return state == UploadState::ready || state == UploadState::failed || state == UploadState::aborted;
}

UploadOptions one_day() {
    return {hours(24), 1000};
}

}  // namespace

TEST_CASE("a sweep ends sessions that expired, in the states that take parts") {
    World world;
    UploadNode node(world);
    const auto state = GENERATE(from_range(std::begin(kEveryUploadState), std::end(kEveryUploadState)));
    const std::string id = node.begin_with({"image"});
    set_upload_state(world, id, state);

    world.clock.advance(hours(24) - microseconds(1));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(node.state(id) == state);
    world.clock.advance(microseconds(1));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(node.state(id) == (takes_parts(state) ? UploadState::aborted : state));
    if (takes_parts(state)) {
        CHECK(node.session(id).failure_message == "the session expired at " + format_rfc3339(node.session(id).expires));
        CHECK(world.objects.uploads().empty());
    }
}

TEST_CASE("a sweep ends all sessions that expired, however many") {
    World world;
    UploadNode node(world);
    std::vector<std::string> ids;
    for (int n = 0; n < 101; ++n) ids.push_back(node.begin("image"));
    world.clock.advance(hours(25));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.number("SELECT COUNT(*) FROM upload_sessions WHERE state = 'aborted'") == 101);
    CHECK(world.objects.uploads().empty());
}

TEST_CASE("a session that was completed just before its end is not ended") {
    World world;
    UploadNode node(world);
    UploadNode other(world, world.other);
    const std::string id = node.begin_with({"image"});
    world.clock.advance(hours(25));
    world.database.faults().before(DatabaseCall::begin_write, [&] {
        set_upload_state(world, id, UploadState::completed);
        return Status();
    });
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(node.state(id) == UploadState::completed);
    CHECK(world.objects.uploads().size() == 1);
}

TEST_CASE("a sweep removes what ended sessions left in staging, and nothing that is needed") {
    World world;
    UploadNode node(world);
    const auto state = GENERATE(from_range(std::begin(kEveryUploadState), std::end(kEveryUploadState)));
    const std::string id = node.begin_with({"image"});
    world.objects.set(staging_key(id), "image");
    set_upload_state(world, id, state);
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.objects.has(staging_key(id)) == !has_ended(state));
    CHECK(world.objects.uploads().empty() == has_ended(state));
}

TEST_CASE("what no session knows is removed when it is no longer young") {
    World world;
    UploadNode node(world);
    world.objects.set(staging_key("stray"), "image");
    world.objects.set("blobs/sha256/ab/abcd.stray", "image");
    REQUIRE(world.objects.multipart_create(world.call, staging_key("stray"), 5).ok());
    REQUIRE(world.objects.multipart_create(world.call, "elsewhere/stray", 5).ok());

    world.clock.advance(minutes(15));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.objects.has(staging_key("stray")));
    CHECK(world.objects.uploads().size() == 2);
    world.clock.advance(microseconds(1));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.objects.keys() == std::vector<std::string>{"blobs/sha256/ab/abcd.stray"});
    CHECK(world.objects.uploads().size() == 1);
}

TEST_CASE("a sweep goes through staging to its end") {
    World world;
    UploadNode node(world);
    for (int n = 0; n < 1001; ++n) world.objects.set(staging_key(std::to_string(n)), "");
    world.clock.advance(hours(1));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.objects.keys().empty());
    CHECK(world.objects.faults().calls(StoreCall::list) == 2);
}

TEST_CASE("a session is forgotten when it has been over and expired for long") {
    World world;
    UploadNode node(world, world.pool, one_day());
    const auto state = GENERATE(from_range(std::begin(kEveryUploadState), std::end(kEveryUploadState)));
    const std::string id = node.begin("image");
    world.exec("UPDATE upload_sessions SET updated_us = expires_us");
    // A session that still takes parts would be ended, and so updated.
    set_upload_state(world, id, state);
    const auto known = [&] { return world.number("SELECT COUNT(*) FROM upload_sessions") == 1; };

    world.clock.advance(hours(48));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(known());
    world.clock.advance(microseconds(1));
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(known() == !has_ended(state));
}

TEST_CASE("a session that ended late is not forgotten for having expired early") {
    World world;
    UploadNode node(world, world.pool, one_day());
    const std::string id = node.begin("image");
    set_upload_state(world, id, UploadState::ready);
    world.clock.advance(hours(72));
    world.exec("UPDATE upload_sessions SET updated_us = updated_us + 72 * 3600000000");
    REQUIRE(node.sweeper.sweep(world.call).ok());
    CHECK(world.number("SELECT COUNT(*) FROM upload_sessions") == 1);
}

TEST_CASE("one failure keeps a sweep from nothing else") {
    World world;
    UploadNode node(world, world.pool, one_day());
    const std::string old = node.begin("image");
    set_upload_state(world, old, UploadState::ready);
    world.exec("UPDATE upload_sessions SET expires_us = 0, updated_us = 0");
    const std::string expired = node.begin("image");
    world.exec("UPDATE upload_sessions SET expires_us = 1 WHERE id = $1", {expired});
    const std::string ended = node.begin("image");
    set_upload_state(world, ended, UploadState::aborted);
    world.objects.set(staging_key(ended), "image");
    world.objects.set(staging_key("stray"), "image");
    world.clock.advance(hours(1));

    auto& store = world.objects.faults();
    auto& database = world.database.faults();
    const auto forgotten = [&] {
        return world.number("SELECT COUNT(*) FROM upload_sessions WHERE id = $1", {old}) == 0;
    };
    std::size_t objects = 0;
    std::size_t uploads = 0;
    UploadState state = UploadState::aborted;
    bool forgets = true;
    SECTION("an expired session is not ended") {
        database.fail(DatabaseCall::commit);
        state = UploadState::created;
        uploads = 1;
    }
    SECTION("uploads are not listed") {
        store.fail(StoreCall::multipart_list);
        objects = 2;
        uploads = 2;
    }
    SECTION("an upload is not aborted") {
        store.fail(StoreCall::multipart_abort, away(), 2);  // the first is of the expired session
        uploads = 1;
    }
    SECTION("objects are not listed") {
        store.fail(StoreCall::list);
        objects = 2;
    }
    SECTION("an object is not removed") {
        store.fail(StoreCall::remove, away(), 2);
        objects = 1;
    }
    SECTION("the database does not say whose an upload is") {
        database.fail(DatabaseCall::begin_read, away(), 2);
        objects = 2;
        uploads = 2;
    }
    SECTION("old sessions are not forgotten") {
        database.fail(DatabaseCall::commit, away(), 2);
        forgets = false;
    }
    const Status status = node.sweeper.sweep(world.call);
    CHECK(status.code() == Code::unavailable);
    CHECK(node.state(expired) == state);
    CHECK(world.objects.keys().size() == objects);
    CHECK(world.objects.uploads().size() == uploads);
    CHECK(forgotten() == forgets);

    CHECK(node.sweeper.sweep(world.call).ok());
    CHECK(node.state(expired) == UploadState::aborted);
    CHECK(world.objects.keys().empty());
    CHECK(world.objects.uploads().empty());
    CHECK(forgotten());
}

TEST_CASE("of several failures a sweep reports the first") {
    World world;
    UploadNode node(world);
    world.objects.faults().fail(StoreCall::multipart_list, Status(Code::permission_denied, "first"));
    world.database.faults().fail(DatabaseCall::commit, Status(Code::internal, "second"));
    CHECK(node.sweeper.sweep(world.call).message() == "first");
}

TEST_CASE("an end whose commit may have happened is not repeated, and staging is emptied all the same") {
    World world;
    UploadNode node(world);
    const std::string id = node.begin_with({"image"});
    world.clock.advance(hours(25));
    world.database.faults().fail_after(DatabaseCall::commit);
    CHECK(node.sweeper.sweep(world.call).outcome_unknown());
    CHECK(node.state(id) == UploadState::aborted);
    CHECK(world.objects.uploads().empty());
}
