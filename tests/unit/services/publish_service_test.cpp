#include "services/publishing/publish_service.h"

#include "publishing_world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using domain::JobState;
using domain::StepState;
using domain::VersionState;

namespace {

// A job in each of its states.
std::string job_in(PublishingWorld& w, JobState state) {
    if (state == JobState::failed || state == JobState::abandoned)
        w.index.work = [](const ports::Call&, ports::StepRun&) { return Status(Code::invalid_argument, "no"); };
    const auto id = w.publish();
    if (state == JobState::running) CHECK(w.run(w.runner));
    if (state == JobState::succeeded || state == JobState::failed) w.run_all();
    if (state == JobState::abandoned) REQUIRE(w.service.abandon(w.world.call, id).ok());
    REQUIRE(w.job(id).state == state);
    return id;
}

const auto kJobStates = {JobState::queued, JobState::running, JobState::succeeded, JobState::failed,
                         JobState::abandoned};

}  // namespace

TEST_CASE("publishing freezes the version and queues its steps in order") {
    PublishingWorld w;
    const auto id = w.publish();
    CHECK(w.version_state() == "publishing");
    const auto job = w.job(id);
    CHECK(job.state == JobState::queued);
    CHECK(job.image_name == "debian");
    REQUIRE(job.steps.size() == 2);
    CHECK(job.steps[0].name == "index");
    CHECK(job.steps[1].name == "finalize");
    CHECK(w.queued == 1);
}

TEST_CASE("a version has one job, however often it is asked for") {
    PublishingWorld w;
    const auto id = w.publish();
    const auto again = w.service.publish(w.world.call, "debian", "1");
    REQUIRE(again.ok());
    CHECK(again->repeated);
    CHECK(again->job_id == id);
    CHECK(w.queued == 1);
    w.run_all();
    CHECK(w.service.publish(w.world.call, "debian", "1")->job_id == id);
    CHECK(w.world.number("SELECT COUNT(*) FROM publish_jobs") == 1);
}

TEST_CASE("of two nodes that publish one version, one makes the job") {
    PublishingWorld w;
    w.world.add_draft("debian", "1", {w.world.add_blob("image")});
    PublishService other(w.world.other, {{"index", true}}, [] {});
    std::string first;
    w.world.database.faults().before(DatabaseCall::begin_write, [&] {
        first = other.publish(w.world.call, "debian", "1")->job_id;
        return Status();
    });
    const auto second = w.service.publish(w.world.call, "debian", "1");
    REQUIRE(second.ok());
    CHECK(second->repeated);
    CHECK(second->job_id == first);
}

TEST_CASE("what cannot be published is refused by name") {
    PublishingWorld w;
    CHECK(w.service.publish(w.world.call, "debian", "1").status().code() == Code::not_found);
    w.world.add_draft("debian", "1", {});
    const auto empty = w.service.publish(w.world.call, "debian", "1");
    CHECK(empty.status().code() == Code::failed_precondition);
    CHECK_THAT(std::string(empty.status().message()), Catch::Contains("has no artifact"));
    w.world.add_published("debian", "2", {w.world.add_blob("image")});
    CHECK(w.service.publish(w.world.call, "debian", "2").status().code() == Code::failed_precondition);
    CHECK(w.queued == 0);
}

TEST_CASE("a publication that was not committed has changed nothing") {
    PublishingWorld w;
    w.version = w.world.add_draft("debian", "1", {w.world.add_blob("image")});
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK(w.service.publish(w.world.call, "debian", "1").status().code() == Code::unavailable);
    CHECK(w.version_state() == "draft");
    CHECK(w.world.number("SELECT COUNT(*) FROM publish_jobs") == 0);
    CHECK(w.queued == 0);
}

TEST_CASE("a publication whose answer was lost is found when it is repeated") {
    PublishingWorld w;
    w.version = w.world.add_draft("debian", "1", {w.world.add_blob("image")});
    w.world.database.faults().fail_after(DatabaseCall::commit);
    CHECK(w.service.publish(w.world.call, "debian", "1").status().outcome_unknown());
    CHECK(w.service.publish(w.world.call, "debian", "1")->repeated);
    w.run_all();
    CHECK(w.version_state() == "published");
}

TEST_CASE("only a failed job is retried, and goes on where it failed") {
    for (const JobState state : kJobStates) {
        PublishingWorld w;
        const auto id = job_in(w, state);
        CAPTURE(domain::to_string(state));
        const int before = w.queued;
        const auto retried = w.service.retry(w.world.call, id);
        if (state != JobState::failed) {
            CHECK(retried.status().code() == Code::failed_precondition);
            CHECK(w.job(id).state == state);
            CHECK(w.queued == before);
            continue;
        }
        REQUIRE(retried.ok());
        CHECK(retried->state == JobState::queued);
        CHECK_FALSE(retried->reason);
        CHECK(retried->steps[0].state == StepState::queued);
        CHECK(w.queued == before + 1);
        w.index.work = [](const ports::Call&, ports::StepRun&) { return Status(); };
        w.run_all();
        CHECK(w.job(id).state == JobState::succeeded);
    }
}

TEST_CASE("a retry leaves alone what has succeeded, and what failed without blocking") {
    PublishingWorld w({{"index", false}, {"finalize", true}});
    w.index.work = [](const ports::Call&, ports::StepRun&) { return Status(Code::invalid_argument, "no"); };
    w.finalize.work = w.index.work;
    const auto id = w.publish();
    w.run_all();
    const auto retried = w.service.retry(w.world.call, id);
    REQUIRE(retried.ok());
    CHECK(retried->steps[0].state == StepState::failed);
    CHECK(retried->steps[1].state == StepState::queued);
}

TEST_CASE("only a failed or queued job is abandoned: its version is a draft again") {
    for (const JobState state : kJobStates) {
        PublishingWorld w;
        const auto id = job_in(w, state);
        CAPTURE(domain::to_string(state));
        const auto abandoned = w.service.abandon(w.world.call, id);
        if (state == JobState::running || state == JobState::succeeded) {
            CHECK(abandoned.status().code() == Code::failed_precondition);
            CHECK(w.job(id).state == state);
            continue;
        }
        REQUIRE(abandoned.ok());
        CHECK(abandoned->state == JobState::abandoned);
        CHECK(w.version_state() == "draft");
        for (const auto& step : abandoned->steps) CHECK(step.state != StepState::queued);
        CHECK(w.service.publish(w.world.call, "debian", "1")->job_id != id);
    }
}

TEST_CASE("abandoning takes away the rows that steps had put") {
    PublishingWorld w;
    w.finalize.work = [](const ports::Call&, ports::StepRun&) { return Status(Code::invalid_argument, "no"); };
    const auto id = w.publish();
    w.run_all();
    REQUIRE(w.rows() == 1);
    SECTION("with its commit") {
        CHECK(w.service.abandon(w.world.call, id).ok());
        CHECK(w.rows() == 0);
    }
    SECTION("not without") {
        w.world.database.faults().fail(DatabaseCall::commit);
        CHECK_FALSE(w.service.abandon(w.world.call, id).ok());
        CHECK(w.rows() == 1);
        CHECK(w.job(id).state == JobState::failed);
        CHECK(w.version_state() == "publishing");
    }
}

TEST_CASE("jobs are listed by state, the newest first, and found by id") {
    PublishingWorld w;
    const auto first = w.publish();
    REQUIRE(w.service.abandon(w.world.call, first).ok());
    const auto second = w.service.publish(w.world.call, "debian", "1")->job_id;
    const auto all = w.service.jobs(w.world.call, std::nullopt, {});
    REQUIRE(all->items.size() == 2);
    // Ids sort by the millisecond in which they were made; both may be made in one.
    CHECK(all->items[0].id > all->items[1].id);
    CHECK((all->items[0].id == second || all->items[1].id == second));
    const auto queued = w.service.jobs(w.world.call, JobState::queued, {});
    REQUIRE(queued->items.size() == 1);
    CHECK(queued->items[0].steps.size() == 2);
    CHECK(w.service.job(w.world.call, first)->state == JobState::abandoned);
    CHECK(w.service.job(w.world.call, "none").status().code() == Code::not_found);
    CHECK(w.service.retry(w.world.call, "none").status().code() == Code::not_found);
    CHECK(w.service.abandon(w.world.call, "none").status().code() == Code::not_found);
}
