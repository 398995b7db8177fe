#include "services/publishing/step_runner.h"

#include "publishing_world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;
using domain::JobState;
using domain::StepState;
using ports::StepRun;

namespace {

Status put_attempt(const ports::Call&, StepRun& run) {
    return run.put_row("attempt", std::to_string(run.attempt()));
}

// A step that another runner overtakes: `other` happens while its first attempt runs.
auto overtaken(std::function<void()> other) {
    return [other](const ports::Call& call, StepRun& run) {
        const bool first = run.attempt() == 1;
        const Status put = put_attempt(call, run);
        if (first) other();
        return put;
    };
}

}  // namespace

TEST_CASE("no step waits: nothing runs") {
    PublishingWorld w;
    CHECK_FALSE(w.run(w.runner));
}

TEST_CASE("a job's steps run in order, and the finalizer publishes") {
    PublishingWorld w;
    const auto job = w.publish();
    const auto generation = w.generation();

    CHECK(w.run(w.runner));
    CHECK(w.job(job).state == JobState::running);
    CHECK(w.job(job).steps[0].state == StepState::succeeded);
    CHECK(w.job(job).steps[1].state == StepState::queued);
    CHECK(w.version_state() == "publishing");
    CHECK(w.generation() == generation);
    CHECK(w.world.number("SELECT row_count FROM publish_steps WHERE name = 'index'") == 1);
    CHECK(w.world.number("SELECT row_schema FROM projection_rows") == 7);

    CHECK(w.run(w.runner));
    CHECK(w.job(job).state == JobState::succeeded);
    CHECK(w.version_state() == "published");
    CHECK(w.generation() == generation + 1);
    CHECK(w.clock.generation() == generation + 1);
    CHECK_FALSE(w.run(w.runner));
}

TEST_CASE("a step sees the frozen manifest") {
    PublishingWorld w;
    ports::StepManifest seen;
    w.index.work = [&](const ports::Call&, StepRun& run) {
        seen = run.manifest();
        return Status();
    };
    w.publish();
    w.world.exec("DROP TRIGGER attachments_insert_draft");
    w.world.exec("INSERT INTO attachments SELECT 't', id, 'sbom', 'text/x', 'sha256:0', 3, 0 FROM artifacts");
    CHECK(w.run(w.runner));
    CHECK(seen.image == "debian");
    CHECK(seen.version == "1");
    REQUIRE(seen.artifacts.size() == 1);
    CHECK(seen.artifacts[0].digest == digest_of("image"));
    CHECK(seen.artifacts[0].size == 5);
    REQUIRE(seen.artifacts[0].attachments.size() == 1);
    CHECK(seen.artifacts[0].attachments[0].name == "sbom");
}

TEST_CASE("a step that fails for good ends its job, with nothing of what it put") {
    PublishingWorld w;
    w.index.work = [](const ports::Call& call, StepRun& run) {
        static_cast<void>(put_attempt(call, run));
        return Status(Code::invalid_argument, "the image has no partition");
    };
    const auto id = w.publish();
    CHECK(w.run(w.runner));
    const auto job = w.job(id);
    CHECK(job.state == JobState::failed);
    CHECK(job.failed_step == "index");
    CHECK(job.reason == "invalid_argument");
    CHECK(job.failure_message == "the image has no partition");
    CHECK(job.steps[0].state == StepState::failed);
    CHECK(w.version_state() == "publishing");
    CHECK(w.rows() == 0);
    CHECK_FALSE(w.run(w.runner));
}

TEST_CASE("a step that does not block fails alone") {
    PublishingWorld w({{"index", false}, {"finalize", true}});
    w.index.work = [](const ports::Call&, StepRun&) { return Status(Code::invalid_argument, "no"); };
    const auto id = w.publish();
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
    CHECK(w.job(id).steps[0].state == StepState::failed);
    CHECK(w.version_state() == "published");
}

TEST_CASE("a step that does not block and comes last ends the job well") {
    PublishingWorld w({{"finalize", true}, {"index", false}});
    w.index.work = [](const ports::Call&, StepRun&) { return Status(Code::invalid_argument, "no"); };
    const auto id = w.publish();
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
    CHECK(w.job(id).steps[1].state == StepState::failed);
}

TEST_CASE("rows that come after the publication are a change that readers see") {
    PublishingWorld w({{"finalize", true}, {"index", true}});
    w.publish();
    CHECK(w.run(w.runner));
    const auto generation = w.generation();
    CHECK(w.run(w.runner));
    CHECK(w.generation() == generation + 1);
}

TEST_CASE("a step whose backend is away is tried again, after a pause that doubles up to 64 s") {
    PublishingWorld w;
    w.index.work = [](const ports::Call&, StepRun&) { return away(); };
    const auto id = w.publish();
    for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 64s}) {
        CAPTURE(pause.count());
        CHECK(w.run(w.runner));
        const auto step = w.job(id).steps[0];
        CHECK(step.state == StepState::queued);
        CHECK(step.failure_message == "the backend is away");
        w.world.clock.advance(pause - 1us);
        CHECK_FALSE(w.run(w.runner));
        w.world.clock.advance(1us);
    }
    CHECK(w.job(id).state == JobState::running);
}

TEST_CASE("which failures pass and which stay") {
    const auto [code, passes] = GENERATE(table<Code, bool>({{Code::unavailable, true},
                                                            {Code::deadline, true},
                                                            {Code::aborted, true},
                                                            {Code::cancelled, true},
                                                            {Code::internal, false},
                                                            {Code::data_loss, false},
                                                            {Code::failed_precondition, false},
                                                            {Code::resource_exhausted, false}}));
    CAPTURE(to_string(code));
    PublishingWorld w;
    w.index.work = [code = code](const ports::Call&, StepRun&) { return Status(code, "it said"); };
    const auto id = w.publish();
    CHECK(w.run(w.runner));
    CHECK(w.job(id).steps[0].state == (passes ? StepState::queued : StepState::failed));
}

TEST_CASE("the twentieth attempt is the last") {
    PublishingWorld w;
    w.index.work = [](const ports::Call&, StepRun&) { return away(); };
    const auto id = w.publish();
    w.world.exec("UPDATE publish_steps SET attempt_count = 18");
    CHECK(w.run(w.runner));
    CHECK(w.job(id).state == JobState::running);
    w.world.clock.advance(64s);
    CHECK(w.run(w.runner));
    CHECK(w.job(id).state == JobState::failed);
    CHECK(w.job(id).reason == "unavailable");
}

TEST_CASE("a step that is not loaded fails the job by name") {
    PublishingWorld w;
    const auto id = w.publish();
    w.steps.erase("index");
    CHECK(w.run(w.runner));
    CHECK(w.job(id).state == JobState::failed);
    CHECK_THAT(*w.job(id).failure_message, Catch::Contains("'index' is not loaded"));
}

TEST_CASE("a job whose last step asked for nothing fails") {
    PublishingWorld w;
    w.finalize.work = [](const ports::Call&, StepRun&) { return Status(); };
    const auto id = w.publish();
    w.run_all();
    CHECK(w.job(id).state == JobState::failed);
    CHECK(w.job(id).reason == "internal");
    CHECK(w.version_state() == "publishing");
}

TEST_CASE("a finalizer does not publish a version that is no longer publishing") {
    PublishingWorld w;
    w.finalize.work = [&](const ports::Call& call, StepRun& run) {
        w.world.exec("UPDATE versions SET state = 'draft'");
        static_cast<void>(put_attempt(call, run));
        return run.request_published();
    };
    const auto id = w.publish();
    w.run_all();
    CHECK(w.job(id).state == JobState::failed);
    CHECK(w.job(id).reason == "failed_precondition");
    CHECK(w.version_state() == "draft");
    CHECK(w.rows("finalize") == 0);
}

TEST_CASE("a version is not published without its blob") {
    PublishingWorld w;
    const auto id = w.publish_draft(blob_of("never uploaded"));
    w.run_all();
    CHECK(w.job(id).state == JobState::failed);
    CHECK(w.version_state() == "publishing");
}

TEST_CASE("a leased step is another's once its lease has ended, not before") {
    PublishingWorld w;
    w.publish();
    bool early = true, due = false;
    w.index.work = overtaken([&] {
        w.world.clock.advance(kLeaseTime - 1us);
        early = w.run(w.other);
        w.world.clock.advance(1us);
        due = w.run(w.other);
    });
    CHECK(w.run(w.runner));
    CHECK_FALSE(early);
    CHECK(due);
}

TEST_CASE("a result that comes after the step was another's is dropped") {
    PublishingWorld w;
    const auto id = w.publish();
    // The second has the same owner: only the attempt tells it from the first.
    StepRunner& second = GENERATE(true, false) ? w.other : w.runner;
    SECTION("success after the other's success") {
        w.index.work = overtaken([&] {
            w.world.clock.advance(kLeaseTime);
            CHECK(w.run(second));
        });
        CHECK(w.run(w.runner));
        CHECK(w.world.text("SELECT json FROM projection_rows WHERE step = 'index'") == "2");
        CHECK(w.job(id).steps[0].state == StepState::succeeded);
    }
    SECTION("while the other still runs") {
        const Status outcome = GENERATE(Status(), away(), Status(Code::invalid_argument, "no"));
        CAPTURE(outcome.describe());
        w.index.work = [&](const ports::Call& call, StepRun& run) {
            static_cast<void>(put_attempt(call, run));
            w.world.clock.advance(kLeaseTime);
            w.world.exec(
                "UPDATE publish_steps SET attempt_count = 2, lease_owner = CASE WHEN $1 THEN lease_owner ELSE 'node-b' "
                "END WHERE state = 'running'",
                {&second == &w.runner});
            return outcome;
        };
        CHECK(w.run(w.runner));
        CHECK(w.job(id).steps[0].state == StepState::running);
        CHECK(w.job(id).steps[0].attempt_count == 2);
        CHECK(w.job(id).state == JobState::running);
        CHECK(w.rows() == 0);
    }
}

TEST_CASE("a node that owns the step in name only is fenced by the owner") {
    PublishingWorld w;
    const auto id = w.publish();
    w.index.work = [&](const ports::Call&, StepRun&) {
        w.world.exec("UPDATE publish_steps SET lease_owner = 'node-b' WHERE state = 'running'");
        return Status();
    };
    CHECK(w.run(w.runner));
    CHECK(w.job(id).steps[0].state == StepState::running);
}

TEST_CASE("a claim that was not committed leaves the step where it was") {
    PublishingWorld w;
    const auto id = w.publish();
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK(w.runner.run_one(w.world.call).status().code() == Code::unavailable);
    CHECK(w.job(id).steps[0].state == StepState::queued);
    CHECK(w.job(id).steps[0].attempt_count == 0);
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
}

TEST_CASE("a claim of which nobody knows is taken over when its lease ends") {
    PublishingWorld w;
    const auto id = w.publish();
    SECTION("the answer of its commit was lost") {
        w.world.database.faults().fail_after(DatabaseCall::commit);
    }
    SECTION("the database went away before the artifacts were read") {
        w.world.database.faults().fail(DatabaseCall::begin_read);
    }
    CHECK_FALSE(w.runner.run_one(w.world.call).ok());
    CHECK(w.job(id).steps[0].state == StepState::running);
    CHECK_FALSE(w.run(w.other));
    w.world.clock.advance(kLeaseTime);
    CHECK(w.run(w.other));
    CHECK(w.job(id).steps[0].attempt_count == 2);
    CHECK(w.job(id).steps[0].state == StepState::succeeded);
}

TEST_CASE("a success that was not committed is nothing, and the step runs again") {
    PublishingWorld w;
    const auto id = w.publish();
    auto& faults = w.world.database.faults();
    faults.fail(DatabaseCall::commit, away(), 2);
    SECTION("the database comes back at once") {
        CHECK(w.run(w.runner));
        CHECK(w.job(id).steps[0].state == StepState::queued);
        w.world.clock.advance(1s);
    }
    SECTION("it stays away") {
        faults.fail(DatabaseCall::commit, away(), 3);
        CHECK_FALSE(w.runner.run_one(w.world.call).ok());
        CHECK(w.job(id).steps[0].state == StepState::running);
        w.world.clock.advance(kLeaseTime);
    }
    CHECK(w.rows() == 0);
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
    CHECK(w.rows() == 1);
}

TEST_CASE("a success whose commit nobody answered for stays") {
    PublishingWorld w;
    const auto id = w.publish();
    w.world.database.faults().fail_after(DatabaseCall::commit, answer_lost(), 2);
    CHECK(w.run(w.runner));
    CHECK(w.job(id).steps[0].state == StepState::succeeded);
    CHECK(w.rows() == 1);
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
}

TEST_CASE("a publication is committed whole or not at all") {
    PublishingWorld w;
    const auto id = w.publish();
    CHECK(w.run(w.runner));
    const auto generation = w.generation();
    const auto queries = [&] { return w.world.database.faults().calls(DatabaseCall::query); };
    // The claim takes 3 statements and the artifacts 2; every statement of the success fails once.
    const auto nth = GENERATE(6u, 7u, 8u, 9u, 10u, 11u, 12u, 13u, 14u);
    const auto before = queries();
    w.world.database.faults().fail(DatabaseCall::query, Status(Code::internal, "disk I/O error"), nth);
    CHECK(w.run(w.runner));
    REQUIRE(queries() >= before + nth);
    CHECK(w.job(id).state == JobState::failed);
    CHECK(w.version_state() == "publishing");
    CHECK(w.generation() == generation);
    CHECK(w.clock.generation() < generation + 1);
}

TEST_CASE("a store that fails in the middle of a step is waited for") {
    PublishingWorld w;
    w.index.work = [&](const ports::Call& call, StepRun& run) -> Status {
        IMGSRV_ASSIGN(const auto reader, run.open_blob(call, run.manifest().artifacts[0].digest, 0, std::nullopt));
        std::array<std::byte, 2> some{};
        IMGSRV_TRY(reader->read(some).status());
        return reader->read(some).status();
    };
    const auto id = w.publish();
    SECTION("as it opens the blob") {
        w.world.objects.faults().fail(StoreCall::open);
    }
    SECTION("as it reads on") {
        w.world.objects.faults().fail(StoreCall::read, away(), 2);
    }
    CHECK(w.run(w.runner));
    CHECK(w.job(id).steps[0].state == StepState::queued);
    w.world.clock.advance(1s);
    w.run_all();
    CHECK(w.job(id).state == JobState::succeeded);
}

TEST_CASE("a blob that the store lost fails the job") {
    PublishingWorld w;
    w.index.work = [](const ports::Call& call, StepRun& run) {
        return run.open_blob(call, run.manifest().artifacts[0].digest, 0, std::nullopt).status();
    };
    const auto id = w.publish();
    w.world.objects.erase(blob_of("image").storage_key);
    CHECK(w.run(w.runner));
    CHECK(w.job(id).reason == "data_loss");
}

TEST_CASE("a shutdown hands the step back at once") {
    PublishingWorld w;
    const auto stopping = std::make_shared<Cancellation>();
    w.index.work = [&](const ports::Call&, StepRun&) {
        stopping->cancel();
        return Status(Code::cancelled, "called off");
    };
    const auto id = w.publish();
    w.world.exec("UPDATE publish_steps SET attempt_count = 30");
    CHECK(w.runner.run_one({"stop", std::nullopt, stopping}).ok());
    CHECK(w.job(id).steps[0].state == StepState::queued);
    CHECK_FALSE(w.job(id).steps[0].failure_message);
    w.index.work = put_attempt;
    CHECK(w.run(w.other));
}

TEST_CASE("leases of a node's earlier processes end at its start") {
    PublishingWorld w;
    const auto id = w.publish();
    w.world.database.faults().fail_after(DatabaseCall::commit);
    CHECK_FALSE(w.runner.run_one(w.world.call).ok());
    const std::string_view node = GENERATE("node-a/", "node-b/");
    w.world.write([&](store::Transaction& tx) { return store::publishing::end_leases(tx, node); });
    CHECK(w.run(w.other) == (node == "node-a/"));
    CHECK(w.job(id).steps[0].state == (node == "node-a/" ? StepState::succeeded : StepState::running));
}
