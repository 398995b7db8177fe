#include "services/uploads/parts_in_flight.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using imgsrv::services::PartsInFlight;

TEST_CASE("one thread at a time owns a session's hash") {
    PartsInFlight lanes;
    const auto lane = lanes.lane("a");
    REQUIRE(lane->try_own_hash());
    CHECK_FALSE(lanes.lane("a")->try_own_hash());
    CHECK(lanes.lane("b")->try_own_hash());
    lane->release_hash();
    CHECK(lane->try_own_hash());
}

TEST_CASE("who waits for the hash is seen and gets it") {
    PartsInFlight lanes;
    const auto lane = lanes.lane("a");
    REQUIRE(lane->try_own_hash());
    std::atomic<bool> got{false};
    std::thread waiter([&] {
        lane->wait_to_own_hash();
        got = true;
        lane->release_hash();
    });
    while (!lane->hash_wanted()) std::this_thread::yield();
    CHECK_FALSE(got);
    lane->release_hash();
    waiter.join();
    CHECK(got);
}

TEST_CASE("a newer request for a part supersedes one that still reads") {
    PartsInFlight lanes;
    PartsInFlight::Receipt first(lanes.lane("a"), 1);
    PartsInFlight::Receipt other(lanes.lane("a"), 2);
    CHECK_FALSE(first.superseded());
    PartsInFlight::Receipt second(lanes.lane("a"), 1);
    CHECK(first.superseded());
    CHECK_FALSE(other.superseded());
    CHECK_FALSE(first.set_whole());
    CHECK(second.set_whole());
}

TEST_CASE("a newer request waits for one that is being stored") {
    PartsInFlight lanes;
    auto first = std::make_unique<PartsInFlight::Receipt>(lanes.lane("a"), 1);
    REQUIRE(first->set_whole());
    std::atomic<bool> entered{false};
    std::thread newer([&] {
        PartsInFlight::Receipt second(lanes.lane("a"), 1);
        entered = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK_FALSE(entered);
    first.reset();
    newer.join();
    CHECK(entered);
}
