#pragma once

#include <atomic>
#include <functional>
#include <mutex>
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

    // Every check was fine at the last look, and the server is not about to stop. [any]
    bool ready() const;

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
    };

    mutable std::mutex mutex_;
    std::vector<Entry> entries_;
    std::atomic<bool> draining_{false};
};

}  // namespace imgsrv::services
