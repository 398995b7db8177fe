#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace imgsrv::domain {

enum class JobState { queued, running, succeeded, failed, abandoned };
enum class StepState { queued, running, succeeded, failed, skipped };
std::string_view to_string(JobState state);
std::string_view to_string(StepState state);
JobState parse_job_state(std::string_view text);    // text comes from the database
StepState parse_step_state(std::string_view text);  // text comes from the database
// For ?state=: invalid_argument lists the states.
Result<JobState> check_job_state(std::string_view text);

struct PublishStep {
    std::string id;
    std::string job_id;
    std::string name;
    StepState state = StepState::queued;
    bool blocking = true;
    std::uint32_t sequence = 0;
    std::uint32_t attempt_count = 0;
    std::optional<Time> started;
    std::optional<Time> finished;
    std::optional<std::string> failure_message;
    std::uint64_t progress_done = 0;
    std::uint64_t progress_total = 0;
};

struct PublishJob {
    std::string id;
    std::string version_id;
    std::string image_name;
    std::string version;
    JobState state = JobState::queued;
    std::optional<std::string> failed_step;
    std::optional<std::string> reason;  // the code of the failure: "failed_precondition"
    std::optional<std::string> failure_message;
    std::optional<Time> started;
    std::optional<Time> finished;
    Time created;
    Time updated;
    std::vector<PublishStep> steps;
};

// One entry of the configured pipeline.
struct PipelineStep {
    std::string name;
    bool blocking = true;
};

}  // namespace imgsrv::domain
