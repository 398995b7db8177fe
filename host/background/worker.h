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
    std::chrono::milliseconds poll_interval{5'000};  // between looks for work when there was none
    std::chrono::milliseconds backoff{5'000};        // after a failure, doubling
    std::chrono::milliseconds backoff_max{60'000};
    int breaker_failures = 10;  // consecutive ones, of all threads, that open the breaker; 0: never
    std::chrono::milliseconds breaker_cooldown{60'000};
    std::size_t threads = 1;
    // Whether finding no work shows that the backends are well. It does not where one thread may find none while
    // another one fails.
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

// Threads that repeat one piece of work: at once while there is more, after the poll interval when there was none, and
// after a pause when it failed.
class Worker {
  public:
    // One piece of work. True: there may be more. A status that is not OK counts as a failure.
    using Work = std::function<Result<bool>(const ports::Call&)>;

    // name: one of a fixed set, for it is a metric's label.
    Worker(std::string name, WorkerOptions options, Work work);
    ~Worker();  // stops
    Worker(const Worker&) = delete;

    void start();
    // Looks for work at once. [any]
    void wake();
    // Cancels the work under way and waits for it. [main]
    void stop();
    WorkerStats stats() const;
    const std::string& name() const { return name_; }

  private:
    void run();
    // With mutex_ held. The latter returns the pause before the next try.
    void note_success();
    std::chrono::milliseconds note_failure(const Status& status);

    const std::string name_;
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
