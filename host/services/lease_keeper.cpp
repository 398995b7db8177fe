#include "services/lease_keeper.h"

#include <algorithm>

namespace imgsrv::services {

LeaseKeeper::LeaseKeeper(Renew renew, CancelToken outer, LeasePace pace)
    : renew_(std::move(renew)),
      outer_(std::move(outer)),
      pace_(pace),
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
    auto next = Clock::now() + pace_.renewal;
    auto ends = Clock::now() + pace_.lease;
    std::unique_lock lock(mutex_);
    while (!stop_) {
        wake_.wait_for(lock, pace_.glance, [&] { return stop_; });
        if (stop_) return;
        if (outer_ && outer_->cancelled()) cancellation_->cancel();
        if (Clock::now() < next) continue;
        lock.unlock();
        const auto asked = Clock::now();
        const Status renewed = renew_(std::min(ends, asked + pace_.patience));
        lock.lock();
        if (renewed.ok()) {
            next = asked + pace_.renewal;
            ends = asked + pace_.lease;
        } else if (renewed.code() == Code::aborted || Clock::now() >= ends) {
            lost_ = true;
            cancellation_->cancel();
            return;
        } else {
            next = Clock::now() + pace_.retry;
        }
    }
}

}  // namespace imgsrv::services
