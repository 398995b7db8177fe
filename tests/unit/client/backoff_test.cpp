#include "client/backoff.h"

#include <catch2/catch.hpp>

using imgsrv::client::Backoff;
using namespace std::chrono_literals;

TEST_CASE("waits double, spread by half, up to seven and a half seconds") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        Backoff backoff(1h, seed);
        const auto now = Backoff::Clock::time_point();
        for (const auto base : {200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
            const auto wait = backoff.next(now);
            REQUIRE(wait);
            CHECK(*wait >= base / 2);
            CHECK(*wait <= base * 3 / 2);
        }
    }
}

TEST_CASE("the window begins at the first failure and no wait goes beyond its end") {
    Backoff backoff(1s, 1);
    const auto start = Backoff::Clock::time_point() + 1h;
    CHECK(backoff.next(start));
    CHECK(*backoff.next(start + 999ms) == 1ms);
    CHECK_FALSE(backoff.next(start + 1s));
}

TEST_CASE("the server's Retry-After is honoured") {
    Backoff backoff(1min, 1);
    CHECK(*backoff.next(Backoff::Clock::time_point(), 30s) == 30s);
    CHECK(*backoff.next(Backoff::Clock::time_point() + 40s, 30s) == 20s);
}

TEST_CASE("an empty window allows no second attempt") {
    CHECK_FALSE(Backoff(0ms, 1).next(Backoff::Clock::time_point()));
}
