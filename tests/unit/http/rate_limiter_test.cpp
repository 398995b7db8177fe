// A limit of requests a minute for each client address.
#include "http/rate_limiter.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

using imgsrv::http::RateLimiter;
using namespace std::chrono_literals;

namespace {

// How many of `requests` simultaneous requests pass.
int passed(RateLimiter& limiter, RateLimiter::Client client, RateLimiter::Clock::time_point now, int requests) {
    int count = 0;
    for (int i = 0; i < requests; ++i) count += limiter.take(client, now) == 0s ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("a client may send a minute's worth at once, then only what is refilled") {
    RateLimiter limiter(1200);
    const auto client = limiter.client("192.0.2.7");
    const auto now = RateLimiter::Clock::now();
    CHECK(passed(limiter, client, now, 2000) == 1200);
    CHECK(limiter.take(client, now) == 1s);
    CHECK(passed(limiter, client, now + 1s, 2000) == Approx(20).margin(1));
    CHECK(passed(limiter, client, now + 31s, 2000) == Approx(600).margin(1));
    CHECK(passed(limiter, client, now + 24h, 2000) == 1200);
    CHECK(passed(limiter, limiter.client("192.0.2.8"), now, 2000) == 1200);
}

TEST_CASE("the announced wait is enough, and not much too long") {
    for (const unsigned rate : {1U, 5U, 60U, 1200U, 1'000'000U}) {
        RateLimiter limiter(rate);
        const auto client = limiter.client("192.0.2.7");
        auto now = RateLimiter::Clock::now();
        CHECK(passed(limiter, client, now, static_cast<int>(rate) + 10) == static_cast<int>(rate));
        const auto wait = limiter.take(client, now);
        CHECK(wait >= 1s);
        CHECK(wait <= std::chrono::seconds(60 / rate + 1));
        CHECK(limiter.take(client, now + wait) == 0s);
    }
}

TEST_CASE("a request that started earlier does not refill a bucket that later ones emptied") {
    RateLimiter limiter(1200);
    const auto client = limiter.client("192.0.2.7");
    const auto now = RateLimiter::Clock::now() + 1min;
    CHECK(passed(limiter, client, now, 2000) == 1200);
    for (const auto earlier : {1ms, 10ms, 1000ms, 30'000ms}) CHECK(limiter.take(client, now - earlier) > 0s);
    CHECK(passed(limiter, client, now, 2000) == 0);
}

TEST_CASE("an IPv6 client is its /64") {
    RateLimiter limiter(10);
    CHECK(limiter.client("2001:db8:1:2::1") == limiter.client("2001:db8:1:2:abcd::1"));
    CHECK(limiter.client("2001:db8:1:2::1") != limiter.client("2001:db8:1:3::1"));
    CHECK(limiter.client("::ffff:192.0.2.7") == limiter.client("192.0.2.7"));
}

TEST_CASE("nobody can predict which clients share a slot") {
    CHECK(RateLimiter(10).client("192.0.2.7") != RateLimiter(10).client("192.0.2.7"));
}

TEST_CASE("many addresses neither make it grow nor lock out later clients") {
    RateLimiter limiter(10);
    const auto now = RateLimiter::Clock::now();
    const auto heavy = limiter.client("192.0.2.7");
    CHECK(passed(limiter, heavy, now, 100) == 10);
    // Clients that send one request each hardly ever displace one over its limit.
    for (unsigned i = 0; i < 200'000; ++i) {
        const std::string address =
            "10." + std::to_string(i >> 16U) + "." + std::to_string(i >> 8U & 255U) + "." + std::to_string(i & 255U);
        REQUIRE(limiter.take(limiter.client(address), now) == 0s);
    }
    CHECK(limiter.take(heavy, now) > 0s);
    CHECK(passed(limiter, limiter.client("192.0.2.9"), now, 100) == 10);
}

TEST_CASE("requests on many threads are counted exactly") {
    RateLimiter limiter(10'000);
    const auto client = limiter.client("192.0.2.7");
    const auto now = RateLimiter::Clock::now();
    std::atomic<int> count{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { count += passed(limiter, client, now, 5'000); });
    for (auto& thread : threads) thread.join();
    CHECK(count == 10'000);
}
