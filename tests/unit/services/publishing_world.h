#pragma once

#include <string>
#include <vector>

#include "services/lease_keeper.h"
#include "services/publishing/publish_service.h"
#include "services/publishing/step_runner.h"
#include "store/publishing/publishing.h"
#include "world/test_step.h"
#include "world/world.h"

namespace imgsrv::test {

// A world with a pipeline of two steps, "index", which puts a row, and "finalize", which publishes, and two nodes that
// run them.
struct PublishingWorld {
    explicit PublishingWorld(std::vector<domain::PipelineStep> pipeline = {{"index", true}, {"finalize", true}})
        : service(world.pool, std::move(pipeline), [this] { ++queued; }) {
        index.work = [](const ports::Call&, ports::StepRun& run) {
            return run.put_row("attempt", std::to_string(run.attempt()));
        };
        finalize.work = [](const ports::Call&, ports::StepRun& run) { return run.request_published(); };
    }

    // The job of a new draft "debian 1" with this blob; of an image that is trusted.
    std::string publish_draft(const domain::Blob& blob) {
        version = world.add_draft("debian", "1", {blob});
        const auto started = service.publish(world.call, "debian", "1");
        INFO(started.status().describe());
        REQUIRE(started.ok());
        return started->job_id;
    }
    std::string publish() { return publish_draft(world.add_blob("image")); }

    // Whether a step waited.
    bool run(services::StepRunner& by) {
        const auto ran = by.run_one(world.call);
        INFO(ran.status().describe());
        REQUIRE(ran.ok());
        return *ran;
    }
    void run_all() {
        while (run(runner)) {
        }
    }

    domain::PublishJob job(const std::string& id) {
        return world.write([&](store::Transaction& tx) { return store::publishing::find_job(tx, id); });
    }
    std::string version_state() { return world.text("SELECT state FROM versions WHERE id = $1", {version}); }
    std::int64_t generation() { return world.number("SELECT generation FROM catalogue_generation"); }
    std::int64_t rows(std::string_view step = "index") {
        return world.number("SELECT COUNT(*) FROM projection_rows WHERE step = $1", {step});
    }

    World world;
    services::StepSet steps;
    TestStep& index = add("index", false);
    TestStep& finalize = add("finalize", true);
    services::CatalogueClock clock;
    int queued = 0;
    services::PublishService service;
    services::BlobService blobs{world.pool, world.objects};
    services::BlobService other_blobs{world.other, world.objects};
    services::StepRunner runner{world.pool, blobs, steps, clock, "node-a/1"};
    services::StepRunner other{world.other, other_blobs, steps, clock, "node-b/1"};
    std::string version;

  private:
    TestStep& add(const std::string& name, bool finalizer) {
        auto step = std::make_unique<TestStep>(name, finalizer);
        TestStep& added = *step;
        steps[name] = std::move(step);
        return added;
    }
};

}  // namespace imgsrv::test
