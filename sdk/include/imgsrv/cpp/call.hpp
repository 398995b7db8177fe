// One operation as the plugin sees it: its deadline, whether it was cancelled, and its request id.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string_view>

#include "failure.hpp"

namespace imgsrv::sdk {

// A view over the host's imgsrv_call; valid until the function it was passed to returns. [any]
class Call {
  public:
    explicit Call(const imgsrv_call* raw) noexcept : raw_(raw) {}

    std::string_view request_id() const noexcept { return raw_ ? view(raw_->request_id) : std::string_view(); }

    bool cancelled() const noexcept { return raw_ && raw_->cancelled && raw_->cancelled(raw_) != 0; }
    // Readable once cancelled, so that a wait in poll() ends too; the host's, never close it. -1: there is none.
    int cancel_fd() const noexcept { return raw_ && raw_->cancel_fd ? raw_->cancel_fd(raw_) : -1; }

    // Time left, never negative; none: no limit.
    std::optional<std::chrono::nanoseconds> remaining() const noexcept {
        if (!raw_ || raw_->deadline_ns == 0) return std::nullopt;
        std::timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const std::int64_t left =
            raw_->deadline_ns - (static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec);
        return std::chrono::nanoseconds(left > 0 ? left : 0);
    }

    // Call it between blocks of work. Throws CANCELLED or DEADLINE.
    void throw_if_cancelled() const {
        if (cancelled()) throw Failure(IMGSRV_CANCELLED, "the call was cancelled");
        if (const auto left = remaining(); left && left->count() == 0)
            throw Failure(IMGSRV_DEADLINE, "the call's deadline has passed").with_retryable();
    }

    // For host functions that take the call. May be null.
    const imgsrv_call* raw() const noexcept { return raw_; }

  private:
    const imgsrv_call* raw_;
};

}  // namespace imgsrv::sdk
