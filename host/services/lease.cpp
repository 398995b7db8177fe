#include "services/lease.h"

#include <algorithm>

namespace imgsrv::services {

LeaseKeeper::LeaseKeeper(Renew renew, CancelToken outer)
    : renew_(std::move(renew)),
      outer_(std::move(outer)),
      cancellation_(std::make_shared<Cancellation>()),
      thread_([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool LeaseKeeper::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

void LeaseKeeper::run() {
    using Clock = std::chrono::steady_clock;
    // The outer cancellation is looked at between waits: a shutdown is seen within this time.
    constexpr auto kGlance = std::chrono::milliseconds(100);
    auto next = Clock::now() + kLeaseRenewal;
    auto ends = Clock::now() + kLeaseTime;
    std::unique_lock lock(mutex_);
    while (!stop_) {
        wake_.wait_for(lock, kGlance, [&] { return stop_; });
        if (stop_) return;
        if (outer_ && outer_->cancelled()) cancellation_->cancel();
        if (Clock::now() < next) continue;
        lock.unlock();
        const auto asked = Clock::now();
        const Status renewed = renew_(std::min(ends, asked + std::chrono::seconds(5)));
        lock.lock();
        if (renewed.ok()) {
            next = asked + kLeaseRenewal;
            ends = asked + kLeaseTime;
        } else if (renewed.code() == Code::aborted || Clock::now() >= ends) {
            lost_ = true;
            cancellation_->cancel();
            return;
        } else {
            next = Clock::now() + std::chrono::seconds(1);
        }
    }
}

}  // namespace imgsrv::services
