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

// A token bucket for each client address, of fixed memory: 1 MiB, whoever calls.
//
// Each client may send `per_minute` requests at once, and then as many a minute, evenly spread. IPv6 clients are told
// apart by their /64, of which each has one at least. Clients hash to a set of 8 places, with a key that nobody else
// knows. When a set is full of clients that are not idle, the one that has the most left is forgotten, and may begin
// anew: whoever has more than 100,000 addresses is not to be held by counting, and cannot make the server grow.
//
// One atomic operation a request and no lock. [any]
class RateLimiter {
  public:
    static constexpr unsigned kMostPerMinute = 1'000'000;

    // per_minute: 1 to kMostPerMinute.
    explicit RateLimiter(unsigned per_minute);

    // What a client is counted by; kept by the caller for as long as it has the same client. Costs a hash.
    using Client = std::uint64_t;
    Client client(std::string_view address) const;

    using Clock = std::chrono::steady_clock;
    // Takes one request from the client's bucket: 0; or how long until it would have one. Whole seconds, at least 1.
    std::chrono::seconds take(Client client, Clock::time_point now);

  private:
    static constexpr std::size_t kWays = 8;
    static constexpr std::size_t kSets = 16 * 1024;

    // A place holds a tag of its client and the time at which its bucket is full again, in units of a 16th of the time
    // that one request takes to come back. 0: nobody.
    struct alignas(64) Set {
        std::array<std::atomic<std::uint64_t>, kWays> places{};
    };

    const std::uint64_t per_minute_;
    const Clock::time_point begin_ = Clock::now();
    const std::string secret_;
    const std::unique_ptr<std::array<Set, kSets>> sets_;
};

}  // namespace imgsrv::http
