#include "client/job_follow.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/time.h"
#include "core/units.h"

namespace imgsrv::client {
namespace {

std::string took(const JobStep& step) {
    const auto from = parse_rfc3339(step.started_at);
    const auto to = parse_rfc3339(step.finished_at);
    if (!from.ok() || !to.ok() || *to < *from) return {};
    return " in " + format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from));
}

std::string sentence(const JobStep& step) {
    std::string name = "  " + step.name;
    name.resize(std::max<std::size_t>(name.size(), 24), ' ');
    const std::string attempt = step.attempts > 1 ? " (attempt " + std::to_string(step.attempts) + ")" : "";
    if (step.state == "succeeded") return name + " done" + took(step) + attempt;
    if (step.state == "failed")
        return name + " failed" + attempt + (step.failure.empty() ? "" : ": " + step.failure) +
               (step.blocking ? "" : " (not blocking)");
    if (step.state == "running") {
        // Most steps end in an instant: a running one gets a line only once there is more to report.
        if (step.attempts <= 1 && step.progress.empty()) return {};
        return name + " running" + attempt + (step.progress.empty() ? "" : ": " + step.progress);
    }
    return name + " " + step.state;
}

// Reports the steps that have changed.
void report(Reporter& reporter, const Job& job, std::map<std::string, std::string>& seen) {
    for (const JobStep& step : job.steps) {
        const std::string now = step.state + "/" + std::to_string(step.attempts) + "/" + step.progress;
        std::string& before = seen[step.name];
        if (before == now || step.state == "queued") continue;
        before = now;
        nlohmann::ordered_json members{
            {"job_id", job.id}, {"name", step.name}, {"state", step.state}, {"attempt_count", step.attempts}};
        if (!step.failure.empty()) members["failure_message"] = step.failure;
        if (!step.progress.empty()) members["progress"] = step.progress;
        reporter.event("step", std::move(members), sentence(step));
    }
}

}  // namespace

Status follow_job(Catalogue& catalogue, Reporter& reporter, Job job, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    auto wait = std::chrono::milliseconds(20);
    std::map<std::string, std::string> seen;
    while (true) {
        report(reporter, job, seen);
        if (job.over()) break;
        if (std::chrono::steady_clock::now() >= deadline)
            return Status(Code::deadline, "the publish job " + job.id + " is still " + job.state + " after " +
                                              format_duration(timeout) + "; see: imgsrv job show " + job.id);
        std::this_thread::sleep_for(wait);
        wait = std::min(wait * 3 / 2, std::chrono::milliseconds(1000));
        IMGSRV_ASSIGN(job, catalogue.job(job.id));
    }
    if (job.state == "succeeded") return {};
    const std::string title = "publishing " + job.image + " " + job.version;
    if (job.state == "abandoned") return Status(Code::aborted, title + " was abandoned");
    return Status(Code::aborted, title + " failed" +
                                     (job.failed_step.empty() ? "" : " in the step " + job.failed_step) +
                                     (job.failure.empty() ? "" : ": " + job.failure) +
                                     "\nOnce the cause is fixed, run the command again, or: imgsrv job retry  " +
                                     job.id + "\nTo get the draft back: imgsrv job abandon " + job.id);
}

}  // namespace imgsrv::client
