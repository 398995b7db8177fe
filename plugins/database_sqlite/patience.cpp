#include "patience.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace imgsrv::sqlite {

std::int64_t monotonic_ns() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Patience::Patience() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Patience::~Patience() {
    close(event_fd_);
}

Patience::Scope::Scope(Patience& patience, const imgsrv_call* call) noexcept : patience_(patience) {
    patience_.call_ = call;
    patience_.active_ = true;
    patience_.interrupted_.store(false, std::memory_order_relaxed);
}

Patience::Scope::~Scope() {
    patience_.call_ = nullptr;
    patience_.active_ = false;
}

Stop Patience::stop() const noexcept {
    if (!active_) return Stop::none;
    if (interrupted_.load(std::memory_order_acquire)) return Stop::interrupted;
    if (!call_) return Stop::none;
    if (IMGSRV_HAS(call_, cancelled) && call_->cancelled(call_)) return Stop::cancelled;
    if (call_->deadline_ns != 0 && monotonic_ns() >= call_->deadline_ns) return Stop::deadline;
    return Stop::none;
}

void Patience::wait_until(std::int64_t until_ns) noexcept {
    pollfd fds[2] = {{event_fd_, POLLIN, 0}, {-1, POLLIN, 0}};
    if (call_ && call_->deadline_ns != 0) until_ns = std::min(until_ns, call_->deadline_ns);
    if (call_ && IMGSRV_HAS(call_, cancel_fd)) fds[1].fd = call_->cancel_fd(call_);
    // A call that cannot be cancelled through a descriptor is asked every 20 ms.
    const bool must_ask = call_ && fds[1].fd < 0 && IMGSRV_HAS(call_, cancelled);
    constexpr std::int64_t kAskEvery = 20'000'000;

    while (stop() == Stop::none) {
        const std::int64_t left = until_ns - monotonic_ns();
        if (left <= 0) return;
        const std::int64_t nap = must_ask ? std::min(left, kAskEvery) : left;
        const timespec timeout{nap / 1'000'000'000, nap % 1'000'000'000};
        if (ppoll(fds, 2, &timeout, nullptr) > 0) {
            eventfd_t ignored;
            if (fds[0].revents != 0) eventfd_read(event_fd_, &ignored);
            return;
        }
    }
}

void Patience::wake() noexcept {
    eventfd_write(event_fd_, 1);
}

void Patience::interrupt() noexcept {
    interrupted_.store(true, std::memory_order_release);
    wake();
}

}  // namespace imgsrv::sqlite
