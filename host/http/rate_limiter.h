#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace imgsrv::http {

// A token bucket per client address, in a fixed 1 MiB of memory.
//
// Each client may send `per_minute` requests at once, and then as many per minute, evenly spread. IPv6 clients are
// identified by their /64, since each has at least one. Clients hash to a set of 8 slots, with a secret key. When all
// slots of a set are in use, the client with the most requests left is forgotten and starts afresh: a client with over
// 100,000 addresses can evade the limit, but cannot make the server grow.
//
// One atomic operation per request, no lock. [any]
class RateLimiter {
  public:
    static constexpr unsigned kMostPerMinute = 1'000'000;

    // per_minute: 1 to kMostPerMinute.
    explicit RateLimiter(unsigned per_minute);

    // Identifies a client. Costs a hash, so callers store it for as long as they serve the same client.
    using Client = std::uint64_t;
    Client client(std::string_view address) const;

    using Clock = std::chrono::steady_clock;
    // Takes one request from the client's bucket and returns 0; if it is empty, the time until it has one again, in
    // whole seconds, at least 1.
    std::chrono::seconds take(Client client, Clock::time_point now);

  private:
    static constexpr std::size_t kWays = 8;
    static constexpr std::size_t kSets = 16 * 1024;

    // A slot holds a tag of its client and the time when its bucket will be full again, in units of 1/16 of the time in
    // which one request comes back. 0: free.
    struct alignas(64) Set {
        std::array<std::atomic<std::uint64_t>, kWays> slots{};
    };

    const std::uint64_t per_minute_;
    const Clock::time_point begin_ = Clock::now();
    const std::string secret_;
    const std::unique_ptr<std::array<Set, kSets>> sets_;
};

}  // namespace imgsrv::http
