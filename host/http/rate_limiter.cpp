#include "http/rate_limiter.h"

#include <algorithm>
#include <cstring>

#include "core/sha256.h"
#include "core/uuid.h"
#include "http/client_address.h"

namespace imgsrv::http {
namespace {

constexpr unsigned kTimeBits = 44;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
constexpr std::uint64_t kUnits = 16;  // of time, for one request
constexpr std::uint64_t kNanosecondsPerMinute = 60'000'000'000;

// The 20 bits that distinguish the clients of one set; never 0.
std::uint64_t tag_of(RateLimiter::Client client) {
    return client >> kTimeBits | 1U;
}

}  // namespace

RateLimiter::RateLimiter(unsigned per_minute)
    : per_minute_(std::clamp(per_minute, 1U, kMostPerMinute)),
      secret_(new_uuid() + new_uuid()),
      sets_(std::make_unique<std::array<Set, kSets>>()) {}

RateLimiter::Client RateLimiter::client(std::string_view address) const {
    const auto parsed = IpAddress::parse(address);
    const std::string hash = sha256_hex(secret_ + std::string(parsed ? parsed->network() : address));
    return std::stoull(hash.substr(0, 16), nullptr, 16);
}

std::chrono::seconds RateLimiter::take(Client client, Clock::time_point now) {
    // In 128 bits: the nanoseconds of a year times the rate do not fit in 64.
    const auto elapsed = static_cast<unsigned __int128>(std::max<std::int64_t>(0, (now - begin_).count()));
    const auto time = static_cast<std::uint64_t>(elapsed * per_minute_ * kUnits / kNanosecondsPerMinute) & kTimeMask;
    const std::uint64_t capacity = per_minute_ * kUnits;
    // How far a slot's bucket is from full. A time in the past, or from before the clock last wrapped, means full. To a
    // request that started before those that emptied the bucket, it may look emptier than empty, by up to a minute.
    const auto owed = [&](std::uint64_t slot) {
        const std::uint64_t ahead = ((slot & kTimeMask) - time) & kTimeMask;
        return slot != 0 && ahead <= 2 * capacity ? ahead : 0;
    };

    auto& slots = (*sets_)[client % kSets].slots;
    const std::uint64_t tag = tag_of(client);
    for (;;) {
        std::atomic<std::uint64_t>* mine = nullptr;
        std::atomic<std::uint64_t>* emptiest = nullptr;
        std::uint64_t seen = 0;
        std::uint64_t least = UINT64_MAX;
        for (auto& slot : slots) {
            const std::uint64_t value = slot.load(std::memory_order_relaxed);
            if (value >> kTimeBits == tag) {
                mine = &slot;
                seen = value;
                break;
            }
            if (const std::uint64_t debt = owed(value); debt < least) {
                least = debt;
                emptiest = &slot;
                seen = value;
            }
        }
        const std::uint64_t debt = (mine != nullptr ? owed(seen) : 0) + kUnits;
        if (debt > capacity) {
            const std::uint64_t excess = debt - capacity;
            const std::uint64_t seconds = (excess * 60 + capacity - 1) / capacity;
            return std::chrono::seconds(std::max<std::uint64_t>(1, seconds));
        }
        const std::uint64_t wanted = tag << kTimeBits | ((time + debt) & kTimeMask);
        auto& slot = mine != nullptr ? *mine : *emptiest;
        if (slot.compare_exchange_weak(seen, wanted, std::memory_order_relaxed)) return std::chrono::seconds(0);
    }
}

}  // namespace imgsrv::http
