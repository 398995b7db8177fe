#include "services/housekeeping/collector.h"

#include "services/storage_keys.h"
#include "store/uploads/uploads.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;
using domain::UploadState;
using store::Transaction;

namespace {

constexpr CollectorOptions kAnHour{1h, 1h, false};

struct CollectorWorld {
    CollectorReport pass() {
        CollectorReport report;
        const Status status = collector.collect(world.call, report);
        INFO(status.describe());
        REQUIRE(status.ok());
        return report;
    }
    CollectorReport remove() {
        CollectorReport report;
        REQUIRE(collector.remove_queued(world.call, report).ok());
        return report;
    }
    bool marked(const domain::Blob& blob) {
        return world.number("SELECT COUNT(*) FROM blobs WHERE digest = $1 AND unreferenced_us IS NOT NULL",
                            {blob.digest}) == 1;
    }
    bool there(const domain::Blob& blob) {
        return world.number("SELECT COUNT(*) FROM blobs WHERE digest = $1", {blob.digest}) == 1;
    }
    std::int64_t queued() { return world.number("SELECT COUNT(*) FROM object_removals"); }
    void add_session(const std::string& id, const domain::Blob& blob, UploadState state) {
        domain::UploadSession session;
        session.id = id;
        session.expected_digest = blob.digest;
        session.state = state;
        session.created = world.clock.now();
        session.expires = world.clock.now() + 2h;
        world.write([&](Transaction& tx) { return store::uploads::insert(tx, session, ""); });
    }

    World world;
    Collector collector{world.pool, world.objects, kAnHour};
};

}  // namespace

TEST_CASE("an unreferenced blob goes after the grace, not sooner") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    CHECK(w.pass().marked.blobs == 1);
    w.world.clock.advance(1h - 1us);
    CHECK(w.pass().collected.blobs == 0);
    w.world.clock.advance(1us);
    const auto report = w.pass();
    CHECK(report.collected.blobs == 1);
    CHECK(report.collected.bytes == 5);
    CHECK_FALSE(w.there(blob));
    CHECK(w.world.objects.has(blob.storage_key));
    CHECK(w.remove().removed.bytes == 5);
    CHECK_FALSE(w.world.objects.has(blob.storage_key));
    CHECK(w.queued() == 0);
}

TEST_CASE("a blob that a draft, a version or an attachment references stays") {
    CollectorWorld w;
    const auto drafted = w.world.add_blob("drafted"), published = w.world.add_blob("published"),
               attached = w.world.add_blob("attached"), loose = w.world.add_blob("loose");
    w.world.add_draft("debian", "1", {drafted});
    w.world.add_published("debian", "2", {published});
    w.world.exec(
        "INSERT INTO attachments SELECT 't', a.id, 'sbom', 'text/x', $1, 8, 0 FROM artifacts a JOIN versions v ON v.id "
        "= a.version_id WHERE v.version = '1'",
        {attached.digest});
    w.pass();
    w.world.clock.advance(2h);
    CHECK(w.pass().collected.blobs == 1);
    CHECK((w.there(drafted) && w.there(published) && w.there(attached)));
    CHECK_FALSE(w.there(loose));
}

TEST_CASE("an upload's blob stays until the session ended, or until a ready one expires") {
    for (const auto state : {UploadState::created, UploadState::uploading, UploadState::completed,
                             UploadState::ingesting, UploadState::ready, UploadState::failed, UploadState::aborted}) {
        CAPTURE(domain::to_string(state));
        CollectorWorld w;
        const auto blob = w.world.add_blob("image");
        w.add_session("s", blob, state);
        const bool ended = state == UploadState::failed || state == UploadState::aborted;
        CHECK(w.pass().marked.blobs == (ended ? 1 : 0));
        w.world.clock.advance(2h - 1us);
        w.pass();
        CHECK(w.there(blob) == !ended);
        w.world.clock.advance(1us);
        CHECK(w.pass().marked.blobs == (state == UploadState::ready ? 1 : 0));
    }
}

TEST_CASE("a blob that is referenced again before it goes stays") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    w.pass();
    w.world.clock.advance(2h);
    SECTION("before the pass") {
        w.world.add_draft("debian", "1", {blob});
    }
    SECTION("between the mark and the sweep of one pass") {
        w.world.database.faults().before(
            DatabaseCall::begin_write,
            [&] {
                w.world.add_draft("debian", "1", {blob});
                return Status();
            },
            2);
    }
    SECTION("by a session that begins") {
        w.add_session("s", blob, UploadState::created);
    }
    SECTION("by a row that took off no mark") {
        w.world.add_draft("debian", "1", {blob});
        w.world.exec("UPDATE blobs SET unreferenced_us = 1");
    }
    CHECK(w.pass().collected.blobs == 0);
    CHECK(w.there(blob));
    CHECK_FALSE(w.marked(blob));
}

TEST_CASE("a mark is set only on a blob that is unreferenced as it is set") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    w.world.database.faults().before(
        DatabaseCall::begin_write,
        [&] {
            w.world.add_draft("debian", "1", {blob});
            return Status();
        },
        2);
    CHECK(w.pass().marked.blobs == 0);
    CHECK_FALSE(w.marked(blob));
}

TEST_CASE("a pass goes on where one that failed has stopped") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    w.pass();
    w.world.clock.advance(1h);
    auto& faults = w.world.database.faults();
    CollectorReport report;
    // The second commit is that of the sweep.
    SECTION("its commit failed") {
        faults.fail(DatabaseCall::commit, away(), 2);
        CHECK(w.collector.collect(w.world.call, report).code() == Code::unavailable);
        CHECK(w.there(blob));
        CHECK(w.queued() == 0);
        CHECK(w.pass().collected.blobs == 1);
    }
    SECTION("its commit happened and nobody was told") {
        faults.fail_after(DatabaseCall::commit, answer_lost(), 2);
        CHECK_FALSE(w.collector.collect(w.world.call, report).ok());
        CHECK_FALSE(w.there(blob));
        CHECK(w.queued() == 1);
        CHECK(w.pass().collected.blobs == 0);
    }
    CHECK(report.collected.blobs == 0);
    CHECK(w.remove().removed.blobs == 1);
    CHECK(w.world.objects.keys().empty());
}

TEST_CASE("more than one batch goes in one pass") {
    CollectorWorld w;
    for (int i = 0; i < 205; ++i) w.world.add_blob("image " + std::to_string(i));
    CHECK(w.pass().marked.blobs == 205);
    w.world.clock.advance(1h);
    CHECK(w.pass().collected.blobs == 205);
    CHECK(w.remove().removed.blobs == 205);
    CHECK(w.world.objects.keys().empty());
}

TEST_CASE("an object that cannot be removed stays queued and keeps no other") {
    CollectorWorld w;
    for (const std::string text : {"a", "b", "c"}) w.world.add_blob(text);
    w.pass();
    w.world.clock.advance(1h);
    w.pass();
    CollectorReport report;
    SECTION("the store failed on one") {
        w.world.objects.faults().fail(StoreCall::remove, away(), 2);
        CHECK(w.collector.remove_queued(w.world.call, report).code() == Code::unavailable);
        CHECK(report.removed.blobs == 2);
        CHECK(w.queued() == 1);
    }
    SECTION("the database forgot none of them") {
        w.world.database.faults().fail(DatabaseCall::commit);
        CHECK_FALSE(w.collector.remove_queued(w.world.call, report).ok());
        CHECK(w.queued() == 3);
    }
    w.remove();
    CHECK(w.queued() == 0);
    CHECK(w.world.objects.keys().empty());
}

TEST_CASE("while a hold lasts no object is removed") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    w.pass();
    w.world.clock.advance(1h);
    w.pass();
    const Time until = w.world.clock.now() + 10s;
    w.world.exec("INSERT INTO removal_holds VALUES ('backup', $1)", {store::param(until)});
    w.world.clock.advance(10s - 1us);
    CHECK(w.remove().removed.blobs == 0);
    CHECK(w.world.objects.has(blob.storage_key));
    w.world.clock.advance(1us);
    CHECK(w.remove().removed.blobs == 1);
}

TEST_CASE("an object under the key of a blob is not removed, though it is queued") {
    CollectorWorld w;
    const auto blob = w.world.add_blob("image");
    w.world.exec("INSERT INTO object_removals VALUES ($1, 5, 0)", {blob.storage_key});
    CHECK(w.remove().removed.blobs == 0);
    CHECK(w.world.objects.has(blob.storage_key));
}

TEST_CASE("an object without a row goes once it is old enough") {
    CollectorWorld w;
    const auto orphan = blob_of("orphan");
    w.world.objects.set(orphan.storage_key, "orphan");
    w.world.objects.set("elsewhere/file", "not ours");
    CollectorReport report;
    w.world.clock.advance(1h - 1us);
    CHECK(w.collector.queue_orphans(w.world.call, report).ok());
    CHECK(report.orphans.blobs == 0);
    w.world.clock.advance(1us);
    CHECK(w.collector.queue_orphans(w.world.call, report).ok());
    CHECK(report.orphans.blobs == 1);
    CHECK(report.orphans.bytes == 6);
    CHECK(w.queued() == 1);
    CHECK(w.collector.queue_orphans(w.world.call, report).ok());
    CHECK(report.orphans.blobs == 1);
    w.remove();
    CHECK(w.world.objects.keys() == std::vector<std::string>{"elsewhere/file"});
}

TEST_CASE("an object of a session that may still promote it is no orphan") {
    for (const auto state : {UploadState::created, UploadState::ingesting, UploadState::ready, UploadState::aborted}) {
        CAPTURE(domain::to_string(state));
        CollectorWorld w;
        const auto blob = blob_of("image");
        w.add_session("session", blob, state);
        w.world.objects.set(blob_key(blob.digest.substr(7), "session"), "image");
        w.world.clock.advance(1h);
        CollectorReport report;
        CHECK(w.collector.queue_orphans(w.world.call, report).ok());
        const bool open = state == UploadState::created || state == UploadState::ingesting;
        CHECK(report.orphans.blobs == (open ? 0 : 1));
    }
}

TEST_CASE("an object that gets its row as it is queued is no orphan") {
    CollectorWorld w;
    w.world.objects.set(blob_of("image").storage_key, "image");
    w.world.clock.advance(1h);
    w.world.database.faults().before(DatabaseCall::begin_write, [&] {
        w.world.add_blob("image");
        return Status();
    });
    CollectorReport report;
    CHECK(w.collector.queue_orphans(w.world.call, report).ok());
    CHECK(w.queued() == 0);
}

TEST_CASE("a store of which most is unknown is taken for another database's") {
    const auto [named, orphans, refused] = GENERATE(
        table<int, int, bool>({{0, 3, false}, {0, 4, true}, {4, 4, false}, {4, 5, true}, {5, 5, false}, {5, 6, true}}));
    CAPTURE(named, orphans);
    CollectorWorld w;
    for (int i = 0; i < named; ++i) w.world.add_blob("named " + std::to_string(i));
    for (int i = 0; i < orphans; ++i) w.world.objects.set(blob_of("orphan " + std::to_string(i)).storage_key, "x");
    w.world.clock.advance(1h);
    CollectorReport report;
    CHECK(w.collector.queue_orphans(w.world.call, report).code() == (refused ? Code::failed_precondition : Code::ok));
    CHECK(w.queued() == (refused ? 0 : orphans));
    Collector forced(w.world.pool, w.world.objects, {1h, 1h, true});
    CHECK(forced.queue_orphans(w.world.call, report).ok());
    CHECK(w.queued() == orphans);
}

TEST_CASE("a store or a database that fails as orphans are looked for queues nothing") {
    CollectorWorld w;
    w.world.objects.set(blob_of("orphan").storage_key, "orphan");
    w.world.clock.advance(1h);
    SECTION("the store") {
        w.world.objects.faults().fail(StoreCall::list);
    }
    SECTION("the database as it is asked") {
        w.world.database.faults().fail(DatabaseCall::begin_read);
    }
    SECTION("the database as it commits") {
        w.world.database.faults().fail(DatabaseCall::commit);
    }
    CollectorReport report;
    CHECK(w.collector.queue_orphans(w.world.call, report).code() == Code::unavailable);
    CHECK(report.orphans.blobs == 0);
    CHECK(w.queued() == 0);
    CHECK(w.world.objects.keys().size() == 1);
}

TEST_CASE("a preview tells what would go and changes nothing") {
    CollectorWorld w;
    const auto due = w.world.add_blob("due");
    w.pass();
    w.world.clock.advance(1h);
    w.world.add_blob("unmarked");
    w.world.objects.set(blob_of("orphan").storage_key, "orphan");
    w.world.clock.advance(1h);
    const auto preview = w.collector.preview(w.world.call);
    REQUIRE(preview.ok());
    CHECK(preview->marked.blobs == 1);
    CHECK(preview->collected.blobs == 1);
    CHECK(preview->orphans.blobs == 1);
    CHECK(preview->removed.blobs == 0);
    CHECK(w.there(due));
    CHECK(w.queued() == 0);
}

TEST_CASE("of several nodes one collects in an interval, and each removes") {
    CollectorWorld w;
    Collector other(w.world.other, w.world.objects, kAnHour);
    const auto blob = w.world.add_blob("image");
    CHECK(w.collector.run_due(w.world.call, 1h).ok());
    CHECK(w.collector.totals().marked.blobs == 1);
    w.world.add_blob("later");
    w.world.clock.advance(1h - 1us);
    CHECK(other.run_due(w.world.call, 1h).ok());
    CHECK(other.totals().marked.blobs == 0);
    w.world.clock.advance(1us);
    CHECK(other.run_due(w.world.call, 1h).ok());
    CHECK(other.totals().marked.blobs == 1);
    CHECK(other.totals().collected.blobs == 1);
    CHECK(other.totals().removed.blobs == 1);
    CHECK_FALSE(w.world.objects.has(blob.storage_key));
    CHECK(w.world.number("SELECT COUNT(*) FROM maintenance_runs") == 2);
}

TEST_CASE("a pass that is called off stops without a change") {
    CollectorWorld w;
    const auto cancelled = std::make_shared<Cancellation>();
    cancelled->cancel();
    const ports::Call call{"stop", std::nullopt, cancelled};
    w.world.add_blob("image");
    CollectorReport report;
    CHECK_FALSE(w.collector.collect(call, report).ok());
    CHECK_FALSE(w.collector.queue_orphans(call, report).ok());
    CHECK_FALSE(w.collector.remove_queued(call, report).ok());
    CHECK(w.world.number("SELECT COUNT(*) FROM blobs WHERE unreferenced_us IS NULL") == 1);
}
