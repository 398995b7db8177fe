#include "client/backoff.h"

#include <algorithm>

namespace imgsrv::client {

std::optional<std::chrono::milliseconds> Backoff::next(Clock::time_point now, std::chrono::milliseconds asked) {
    using std::chrono::milliseconds;
    if (!first_failure_) first_failure_ = now;
    const auto left = std::chrono::ceil<milliseconds>(*first_failure_ + window_ - now);
    if (left <= milliseconds(0)) return std::nullopt;
    std::uniform_int_distribution<milliseconds::rep> spread(base_.count() / 2, base_.count() * 3 / 2);
    const milliseconds wait = std::max(asked, milliseconds(spread(random_)));
    base_ = std::min(base_ * 2, milliseconds(5000));
    return std::min(wait, left);
}

}  // namespace imgsrv::client
