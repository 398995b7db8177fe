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

// A worker survives an exception of its work (no memory, no thread).
Result<bool> guarded(const Worker::Work& work, const ports::Call& call) {
    try {
        return work(call);
    } catch (const std::exception& error) {
        return Status(Code::internal, "background work threw an exception").with_detail(error.what());
    }
}

}  // namespace

Worker::Worker(std::string name, WorkerOptions options, Work work)
    : name_(std::move(name)), options_(options), work_(std::move(work)) {}

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
    const ports::Call call{name_, std::nullopt, cancellation_};
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        wake_.wait_until(lock, open_until_, [&] { return stopping_ || !stats_.breaker_open; });
        if (stopping_) return;
        const std::uint64_t seen = wakes_;
        lock.unlock();
        const auto result = guarded(work_, call);
        lock.lock();
        if (stopping_) return;
        const auto woken = [&] { return stopping_ || wakes_ != seen; };
        if (!result.ok()) {
            const auto pause = note_failure(result.status());
            // New work is tried at once, since it may be other work that failed; but not against an open breaker, for
            // which every thread waits above.
            if (!stats_.breaker_open) wake_.wait_for(lock, pause, woken);
            continue;
        }
        if (*result || options_.idle_is_success) note_success();
        if (!*result) wake_.wait_for(lock, options_.poll_interval, woken);
    }
}

void Worker::note_success() {
    ++stats_.successes;
    stats_.consecutive_failures = 0;
    if (std::exchange(stats_.breaker_open, false)) wake_.notify_all();
    stats_.last_success = now();
}

std::chrono::milliseconds Worker::note_failure(const Status& status) {
    ++stats_.errors;
    ++stats_.consecutive_failures;
    stats_.last_error = now();
    stats_.last_error_text = status.message();
    auto pause = doubling_pause(options_.backoff, options_.backoff_max, stats_.consecutive_failures);
    const auto failures = static_cast<int>(std::min<std::uint64_t>(stats_.consecutive_failures, 1'000'000));
    if (options_.breaker_failures > 0 && failures >= options_.breaker_failures) {
        if (!stats_.breaker_open) ++stats_.circuit_open;
        stats_.breaker_open = true;
        pause = options_.breaker_cooldown;
        open_until_ = std::chrono::steady_clock::now() + pause;
    }
    log::warn("background job failed", {{"job", name_},
                                        {"error", status.describe()},
                                        {"consecutive_failures", std::int64_t{failures}},
                                        {"pause_ms", std::int64_t{pause.count()}}});
    return pause;
}

}  // namespace imgsrv::background
