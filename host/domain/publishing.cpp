#include "domain/publishing.h"

namespace imgsrv::domain {

std::string_view to_string(JobState state) {
    switch (state) {
        case JobState::queued:
            return "queued";
        case JobState::running:
            return "running";
        case JobState::succeeded:
            return "succeeded";
        case JobState::failed:
            return "failed";
        case JobState::abandoned:
            return "abandoned";
    }
    return "queued";
}

std::string_view to_string(StepState state) {
    switch (state) {
        case StepState::queued:
            return "queued";
        case StepState::running:
            return "running";
        case StepState::succeeded:
            return "succeeded";
        case StepState::failed:
            return "failed";
        case StepState::skipped:
            return "skipped";
    }
    return "queued";
}

Result<JobState> check_job_state(std::string_view text) {
    for (const JobState state :
         {JobState::queued, JobState::running, JobState::succeeded, JobState::failed, JobState::abandoned})
        if (to_string(state) == text) return state;
    return Status(Code::invalid_argument, "state '" + std::string(text.substr(0, 64)) +
                                              "' is not one of queued, running, succeeded, failed, abandoned");
}

JobState parse_job_state(std::string_view text) {
    auto state = check_job_state(text);
    return state.ok() ? *state : JobState::failed;
}

StepState parse_step_state(std::string_view text) {
    for (const StepState state :
         {StepState::queued, StepState::running, StepState::succeeded, StepState::failed, StepState::skipped})
        if (to_string(state) == text) return state;
    return StepState::failed;
}

}  // namespace imgsrv::domain
