#include "services/health_service.h"

#include <algorithm>

#include "core/log.h"

namespace imgsrv::services {

void HealthService::add(std::string name, Check check) {
    const std::lock_guard lock(mutex_);
    entries_.push_back({std::move(name), std::move(check), "not checked yet", {}, std::nullopt});
}

void HealthService::add_report(std::string name, std::function<std::string()> error) {
    const std::lock_guard lock(mutex_);
    reporters_.push_back({std::move(name), std::move(error)});
}

// A check that hangs counts as failed before its time limit ends. If it ignores the limit, its last answer no longer
// counts.
std::string HealthService::current_error(const Entry& entry) {
    constexpr auto kSlow = std::chrono::seconds(3);
    constexpr auto kStale = std::chrono::seconds(15);
    if (!entry.error.empty()) return entry.error;
    const auto now = std::chrono::steady_clock::now();
    if (entry.asked && now - *entry.asked > kSlow) return "no answer within 3 s";
    return now - entry.looked_at > kStale ? "the check does not answer" : "";
}

void HealthService::look(const ports::Call& call) {
    constexpr auto kLimit = std::chrono::seconds(5);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        {
            const std::lock_guard lock(mutex_);
            entries_[i].asked = std::chrono::steady_clock::now();
        }
        const ports::Call bounded{call.request_id, std::chrono::steady_clock::now() + kLimit, call.cancel};
        const Status status = entries_[i].check(bounded);
        std::string error = status.ok() ? std::string() : std::string(status.message());
        const std::lock_guard lock(mutex_);
        if (error != entries_[i].error && (!error.empty() || entries_[i].error != "not checked yet"))
            log::write(error.empty() ? log::Level::info : log::Level::error,
                       error.empty() ? "backend answers again" : "backend is away",
                       {{"check", entries_[i].name}, {"error", error.empty() ? entries_[i].error : status.describe()}});
        entries_[i].error = std::move(error);
        entries_[i].looked_at = std::chrono::steady_clock::now();
        entries_[i].asked.reset();
    }
}

bool HealthService::ready() const {
    if (draining_) return false;
    const std::lock_guard lock(mutex_);
    return std::all_of(entries_.begin(), entries_.end(), [](const Entry& e) { return current_error(e).empty(); });
}

HealthService::Report HealthService::report() const {
    Report report;
    const std::lock_guard lock(mutex_);
    report.ok = !draining_;
    for (const Entry& entry : entries_) {
        std::string error = current_error(entry);
        report.ok = report.ok && error.empty();
        report.checks.push_back({entry.name, std::move(error)});
    }
    for (const Reporter& reporter : reporters_) report.checks.push_back({reporter.name, reporter.error()});
    if (draining_) report.checks.push_back({"server", "the server is stopping"});
    return report;
}

}  // namespace imgsrv::services
