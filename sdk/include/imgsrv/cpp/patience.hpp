// Waiting as the ABI requires: every wait ends when the call is cancelled, when its deadline passes, or when another
// thread interrupts. For drivers and others that wait for a lock, a socket or a peer.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <system_error>

#include "call.hpp"

namespace imgsrv::sdk {

// Why an operation must end now.
enum class Stop { none, cancelled, deadline, interrupted };

// CLOCK_MONOTONIC in nanoseconds, the clock of imgsrv_call::deadline_ns.
inline std::int64_t monotonic_ns() noexcept {
    std::timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// How one handle waits. One thread at a time, except wake() and interrupt().
class Patience {
  public:
    // Throws std::system_error when the process is out of descriptors.
    Patience() : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (event_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    ~Patience() { ::close(event_fd_); }
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

    // While one lives, the limits of its call hold. An earlier interrupt no longer counts.
    class Scope {
      public:
        Scope(Patience& patience, const Call& call) noexcept : patience_(patience) {
            patience_.call_ = call.raw();
            patience_.active_ = true;
            patience_.interrupted_.store(false, std::memory_order_relaxed);
        }
        ~Scope() {
            patience_.call_ = nullptr;
            patience_.active_ = false;
        }
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

      private:
        Patience& patience_;
    };

    // Cheap enough to call every few thousand steps of a computation. none outside of a Scope.
    Stop stop() const noexcept {
        if (!active_) return Stop::none;
        if (interrupted_.load(std::memory_order_acquire)) return Stop::interrupted;
        if (!call_) return Stop::none;
        if (call_->cancelled && call_->cancelled(call_)) return Stop::cancelled;
        if (call_->deadline_ns != 0 && monotonic_ns() >= call_->deadline_ns) return Stop::deadline;
        return Stop::none;
    }

    // Throws CANCELLED or DEADLINE when there is a reason to stop. what: "the query".
    void check(const char* what) const {
        if (const Stop reason = stop(); reason != Stop::none) throw failure(reason, what);
    }
    // The failure for a reason that is not Stop::none.
    static Failure failure(Stop reason, std::string_view what) {
        const std::string subject(what);
        if (reason == Stop::deadline) return Failure(IMGSRV_DEADLINE, subject + " ran out of time");
        if (reason == Stop::interrupted) return Failure(IMGSRV_CANCELLED, subject + " was interrupted");
        return Failure(IMGSRV_CANCELLED, subject + " was cancelled");
    }

    // Returns at until_ns, after wake(), or when there is a reason to stop; now and then without a reason.
    void wait_until(std::int64_t until_ns) noexcept { wait_for(-1, 0, until_ns); }

    // As wait_until(), and also returns when fd has one of these events of poll(): what it has, else 0.
    short wait_for(int fd, short events, std::int64_t until_ns) noexcept {
        pollfd fds[3] = {{fd, events, 0}, {event_fd_, POLLIN, 0}, {-1, POLLIN, 0}};
        if (call_ && call_->deadline_ns != 0) until_ns = std::min(until_ns, call_->deadline_ns);
        if (call_ && call_->cancel_fd) fds[2].fd = call_->cancel_fd(call_);
        // A call without a descriptor to wait for is polled every 20 ms.
        const bool must_ask = call_ && call_->cancelled && fds[2].fd < 0;
        constexpr std::int64_t kAskEvery = 20'000'000;

        while (stop() == Stop::none) {
            const std::int64_t left = until_ns - monotonic_ns();
            if (left <= 0) return 0;
            const std::int64_t nap = must_ask ? std::min(left, kAskEvery) : left;
            const std::timespec timeout{nap / 1'000'000'000, nap % 1'000'000'000};
            if (::ppoll(fds, 3, &timeout, nullptr) > 0) {
                eventfd_t ignored;
                if (fds[1].revents != 0) ::eventfd_read(event_fd_, &ignored);
                return fds[0].revents;
            }
        }
        return 0;
    }

    void wake() noexcept { ::eventfd_write(event_fd_, 1); }  // [any]
    void interrupt() noexcept {                              // [any]
        interrupted_.store(true, std::memory_order_release);
        wake();
    }

  private:
    const imgsrv_call* call_ = nullptr;
    bool active_ = false;
    std::atomic<bool> interrupted_{false};
    int event_fd_;
};

}  // namespace imgsrv::sdk
