#include "telemetry/worker_metrics.h"

namespace imgsrv::telemetry {

void collect_workers(Families& families, std::span<background::Worker* const> workers) {
    auto attempts = counter("imgsrv_background_job_attempts_total", "Runs of background jobs.");
    auto errors = counter("imgsrv_background_job_errors_total", "Runs of background jobs that failed.");
    auto opened = counter("imgsrv_background_job_circuit_open_total", "Times the job's circuit breaker opened.");
    auto open = gauge("imgsrv_background_job_breaker_open", "1 while the job's circuit breaker is open.");
    auto failures = gauge("imgsrv_background_job_consecutive_failures", "Failures since the job last succeeded.");
    auto success = gauge("imgsrv_background_job_last_success_timestamp_seconds",
                         "When the job last succeeded, in seconds since 1970; 0: not yet.");
    auto error = gauge("imgsrv_background_job_last_error_timestamp_seconds",
                       "When the job last failed, in seconds since 1970; 0: not yet.");
    const auto number = [](auto value) { return static_cast<double>(value); };
    const auto seconds = [](Time time) { return static_cast<double>(to_micros(time)) / 1e6; };
    for (const background::Worker* worker : workers) {
        const auto stats = worker->stats();
        const std::string& job = worker->name();
        attempts.add(number(stats.successes), {{"job", job}, {"outcome", "success"}});
        attempts.add(number(stats.errors), {{"job", job}, {"outcome", "error"}});
        errors.add(number(stats.errors), {{"job", job}});
        opened.add(number(stats.circuit_open), {{"job", job}});
        open.add(stats.breaker_open ? 1 : 0, {{"job", job}});
        failures.add(number(stats.consecutive_failures), {{"job", job}});
        success.add(seconds(stats.last_success), {{"job", job}});
        error.add(seconds(stats.last_error), {{"job", job}});
    }
    for (auto* family : {&attempts, &errors, &opened, &open, &failures, &success, &error}) family->move_to(families);
}

}  // namespace imgsrv::telemetry
