#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "domain/page.h"
#include "domain/publishing.h"
#include "store/pool.h"

namespace imgsrv::services {

// Publish jobs as their owners see them. StepRunner does the work.
class PublishService {
  public:
    // queued: told when a step waits for a worker.
    PublishService(store::Pool& pool, std::vector<domain::PipelineStep> pipeline, std::function<void()> queued);

    struct Started {
        domain::Version version;
        std::string job_id;
        bool repeated = false;  // the job was there already
    };
    // Freezes the version and queues its job. The commit point is one transaction for both.
    // failed_precondition when the version names no artifact.
    Result<Started> publish(const ports::Call& call, std::string_view image, std::string_view version);

    Result<domain::PublishJob> job(const ports::Call& call, std::string_view id);
    Result<domain::Page<domain::PublishJob>> jobs(const ports::Call& call, std::optional<domain::JobState> state,
                                                  const domain::PageRequest& page);
    // Only from failed: goes on at the first failed blocking step.
    Result<domain::PublishJob> retry(const ports::Call& call, std::string_view id);
    // Only from failed or queued: the version is a draft again. Safe to repeat.
    Result<domain::PublishJob> abandon(const ports::Call& call, std::string_view id);

  private:
    store::Pool& pool_;
    const std::vector<domain::PipelineStep> pipeline_;
    const std::function<void()> queued_;
};

}  // namespace imgsrv::services
