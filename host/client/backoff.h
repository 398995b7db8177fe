#pragma once

#include <chrono>
#include <optional>
#include <random>

namespace imgsrv::client {

// The waits between the attempts of one call: doubling from 200 ms to 5 s, each spread by ±50 % so that the clients of
// a lost server do not return in step, until the window is used up.
class Backoff {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Backoff(std::chrono::milliseconds window, unsigned seed = std::random_device()())
        : window_(window), random_(seed) {}

    // How long to wait before the next attempt after a failure at `now`; the window starts at the first failure.
    // `asked` is the server's Retry-After and is honoured, up to the window's end. None: give up.
    std::optional<std::chrono::milliseconds> next(Clock::time_point now, std::chrono::milliseconds asked = {});

  private:
    std::chrono::milliseconds window_;
    std::minstd_rand random_;
    std::optional<Clock::time_point> first_failure_;
    std::chrono::milliseconds base_{200};
};

}  // namespace imgsrv::client
