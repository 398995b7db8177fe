#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "ports/call.h"

namespace imgsrv::services {

// Whether every backend answers, as seen by checks that run in the background. Questions are answered from the last
// look.
class HealthService {
  public:
    using Check = std::function<Status(const ports::Call&)>;

    // Before the checks run. [main]
    void add(std::string name, Check check);
    // Runs every check once, each with its own time limit of 5 seconds. [worker]
    void look(const ports::Call& call);
    // From now on never ready. [any]
    void set_draining() { draining_ = true; }

    // Every check was fine at the last look, none has been running for more than 3 seconds, and the server is not about
    // to stop. [any]
    bool ready() const;
    // Before the checks run: what the report tells of background work; it does not count for readiness. "": fine.
    // [main]
    void add_report(std::string name, std::function<std::string()> error);

    struct CheckReport {
        std::string name;
        std::string error;  // empty: fine
    };
    struct Report {
        bool ok = false;
        std::vector<CheckReport> checks;
    };
    Report report() const;

  private:
    struct Entry {
        std::string name;
        Check check;
        std::string error = "not checked yet";
        std::chrono::steady_clock::time_point looked_at{};
        std::optional<std::chrono::steady_clock::time_point> asked;  // while the check runs
    };
    struct Reporter {
        std::string name;
        std::function<std::string()> error;
    };
    static std::string current_error(const Entry& entry);

    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::vector<Reporter> reporters_;
    std::atomic<bool> draining_{false};
};

}  // namespace imgsrv::services
