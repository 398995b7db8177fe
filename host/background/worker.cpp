#include "background/worker.h"

#include <algorithm>
#include <utility>

#include "core/backoff.h"
#include "core/log.h"

namespace imgsrv::background {
namespace {

Time now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

// A worker outlives whatever its work throws (no memory, no thread).
Result<bool> guarded(const Worker::Work& work, const ports::Call& call) {
    try {
        return work(call);
    } catch (const std::exception& error) {
        return Status(Code::internal, "background work threw an exception").with_detail(error.what());
    }
}

}  // namespace

Worker::Worker(WorkerOptions options, Work work) : options_(std::move(options)), work_(std::move(work)) {}

Worker::~Worker() {
    stop();
}

void Worker::start() {
    for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
}

void Worker::wake() {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    wake_.notify_all();
}

void Worker::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    cancellation_->cancel();
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

WorkerStats Worker::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

void Worker::run() {
    const ports::Call call{options_.name, std::nullopt, cancellation_};
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        wake_.wait_until(lock, open_until_, [&] { return stopping_ || !stats_.breaker_open; });
        if (stopping_) return;
        const std::uint64_t seen = wakes_;
        lock.unlock();
        auto result = guarded(work_, call);
        lock.lock();
        if (stopping_) return;
        if (result.ok()) {
            if (*result || options_.idle_is_success) {
                ++stats_.successes;
                stats_.consecutive_failures = 0;
                if (std::exchange(stats_.breaker_open, false)) wake_.notify_all();
                stats_.last_success = now();
            }
            if (*result) continue;
            wake_.wait_for(lock, options_.poll_interval, [&] { return stopping_ || wakes_ != seen; });
            continue;
        }
        ++stats_.errors;
        ++stats_.consecutive_failures;
        stats_.last_error = now();
        stats_.last_error_text = result.status().message();
        auto pause = doubling_pause(options_.backoff, options_.backoff_max, stats_.consecutive_failures);
        const auto failures = static_cast<int>(std::min<std::uint64_t>(stats_.consecutive_failures, 1'000'000));
        if (options_.breaker_failures > 0 && failures >= options_.breaker_failures) {
            if (!stats_.breaker_open) ++stats_.circuit_open;
            stats_.breaker_open = true;
            pause = options_.breaker_cooldown;
            open_until_ = std::chrono::steady_clock::now() + pause;
        }
        log::warn("background job failed", {{"job", options_.name},
                                            {"error", result.status().describe()},
                                            {"consecutive_failures", std::int64_t{failures}},
                                            {"pause_ms", std::int64_t{pause.count()}}});
        // New work is tried at once, since it may be other work that failed; but not against an open breaker, for which
        // every thread waits above.
        if (!stats_.breaker_open) wake_.wait_for(lock, pause, [&] { return stopping_ || wakes_ != seen; });
    }
}

}  // namespace imgsrv::background
