#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/cancel.h"
#include "core/status.h"
#include "core/time.h"
#include "ports/call.h"

namespace imgsrv::background {

struct WorkerOptions {
    std::string name;                                // bounded: it is a metric label
    std::chrono::milliseconds poll_interval{5'000};  // between looks when there was nothing to do
    std::chrono::milliseconds backoff{5'000};        // after a failure, doubling
    std::chrono::milliseconds backoff_max{60'000};
    int breaker_failures = 10;  // consecutive ones, of all threads, that open the breaker; 0: never
    std::chrono::milliseconds breaker_cooldown{60'000};
    std::size_t threads = 1;
    // Whether finding nothing to do says that the backends are well. Not where one thread can find nothing while
    // another fails.
    bool idle_is_success = true;
};

struct WorkerStats {
    std::uint64_t successes = 0;
    std::uint64_t errors = 0;
    std::uint64_t circuit_open = 0;  // times the breaker opened
    std::uint64_t consecutive_failures = 0;
    bool breaker_open = false;
    Time last_success;
    Time last_error;
    std::string last_error_text;  // for clients, too: without the detail, which is for the log
};

// Threads that do one thing over and over: at once while there is work, at the poll interval when there is none, after
// a pause when it failed.
class Worker {
  public:
    // One piece of work. True: there may be more. A status that is not OK counts as a failure.
    using Work = std::function<Result<bool>(const ports::Call&)>;

    Worker(WorkerOptions options, Work work);
    ~Worker();  // stops
    Worker(const Worker&) = delete;

    void start();
    // Looks for work at once. [any]
    void wake();
    // Cancels what runs and waits for it. [main]
    void stop();
    WorkerStats stats() const;
    const std::string& name() const { return options_.name; }

  private:
    void run();

    const WorkerOptions options_;
    const Work work_;
    const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::uint64_t wakes_ = 0;
    bool stopping_ = false;
    WorkerStats stats_;
    std::chrono::steady_clock::time_point open_until_{};  // no thread begins anything before, while the breaker is open
    std::vector<std::thread> threads_;
};

}  // namespace imgsrv::background
