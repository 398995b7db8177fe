#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/cancel.h"
#include "core/status.h"

namespace imgsrv::services {

// A worker that has not renewed its lease for kLeaseTime loses its work to another one; it renews every kLeaseRenewal.
inline constexpr std::chrono::seconds kLeaseTime{30};
inline constexpr std::chrono::seconds kLeaseRenewal{10};

// The timing of a LeaseKeeper. Only tests change it.
struct LeasePace {
    std::chrono::milliseconds lease = kLeaseTime;
    std::chrono::milliseconds renewal = kLeaseRenewal;
    std::chrono::milliseconds retry{1000};     // after a renewal that failed
    std::chrono::milliseconds glance{100};     // how soon a cancellation from outside is seen
    std::chrono::milliseconds patience{5000};  // for one renewal, at most
};

// Renews a lease in the background for as long as it lives. When a renewal says the lease is lost, the work is
// cancelled; a renewal that fails for another reason is tried again until the lease has run out.
class LeaseKeeper {
  public:
    // Must return by the deadline. aborted: another worker has the lease.
    using Renew = std::function<Status(std::chrono::steady_clock::time_point deadline)>;

    // outer: cancels the work too, may be null.
    LeaseKeeper(Renew renew, CancelToken outer, LeasePace pace = {});
    ~LeaseKeeper();
    LeaseKeeper(const LeaseKeeper&) = delete;

    // What the work watches.
    CancelToken token() const { return cancellation_; }
    bool lost() const;

  private:
    void run();

    const Renew renew_;
    const CancelToken outer_;
    const LeasePace pace_;
    const std::shared_ptr<Cancellation> cancellation_;
    mutable std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    bool lost_ = false;
    std::thread thread_;
};

}  // namespace imgsrv::services
