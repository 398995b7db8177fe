#include "http/timer_wheel.h"

#include <catch2/catch.hpp>
#include <map>

using imgsrv::http::TimerWheel;
using namespace std::chrono_literals;

namespace {

struct Things {
    TimerWheel wheel;
    std::map<std::uint64_t, TimerWheel::Timer> timers;
    std::vector<std::uint64_t> fired;

    // Runs that many ticks; returns the ids that fired.
    std::vector<std::uint64_t> run(std::chrono::milliseconds time) {
        fired.clear();
        for (auto left = time / TimerWheel::kTick; left > 0; --left)
            wheel.tick(
                [&](std::uint64_t id) {
                    const auto it = timers.find(id);
                    return it == timers.end() ? nullptr : &it->second;
                },
                [&](std::uint64_t id) { fired.push_back(id); });
        return fired;
    }
};

}  // namespace

TEST_CASE("a deadline fires once, never early and at most two ticks late") {
    for (const auto delay : {0ms, 1ms, 200ms, 201ms, 5000ms, 75000ms, 200000ms}) {
        INFO(delay.count());
        Things things;
        things.wheel.set(1, things.timers[1], delay);
        // The current tick may end at once, so it does not count.
        CHECK(things.run(delay / TimerWheel::kTick * TimerWheel::kTick).empty());
        CHECK(things.run(2 * TimerWheel::kTick) == std::vector<std::uint64_t>{1});
        CHECK(things.run(300000ms).empty());
    }
}

TEST_CASE("deadlines move both ways") {
    Things things;
    auto& timer = things.timers[1];
    things.wheel.set(1, timer, 1000ms);
    things.wheel.set(1, timer, 10000ms);
    CHECK(things.run(9800ms).empty());
    things.wheel.set(1, timer, 60000ms);
    things.wheel.set(1, timer, 1000ms);
    CHECK(things.run(1400ms) == std::vector<std::uint64_t>{1});
    CHECK(things.run(100000ms).empty());
}

TEST_CASE("what was cleared or is gone does not fire") {
    Things things;
    things.wheel.set(1, things.timers[1], 1000ms);
    things.wheel.set(2, things.timers[2], 1000ms);
    things.wheel.set(3, things.timers[3], 1000ms);
    TimerWheel::clear(things.timers[1]);
    things.timers.erase(2);
    CHECK(things.run(5000ms) == std::vector<std::uint64_t>{3});
    things.wheel.set(1, things.timers[1], 400ms);
    CHECK(things.run(1000ms) == std::vector<std::uint64_t>{1});
}
