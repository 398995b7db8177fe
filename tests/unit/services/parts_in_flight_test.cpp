#include "services/uploads/parts_in_flight.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using imgsrv::services::PartsInFlight;

TEST_CASE("one thread at a time owns a session's hash") {
    PartsInFlight in_flight;
    const auto session = in_flight.session("a");
    REQUIRE(session->try_own_hash());
    CHECK_FALSE(in_flight.session("a")->try_own_hash());
    CHECK(in_flight.session("b")->try_own_hash());
    session->release_hash();
    CHECK(session->try_own_hash());
}

TEST_CASE("who waits for the hash is seen and gets it") {
    PartsInFlight in_flight;
    const auto session = in_flight.session("a");
    REQUIRE(session->try_own_hash());
    std::atomic<bool> got{false};
    std::thread waiter([&] {
        session->wait_to_own_hash();
        got = true;
        session->release_hash();
    });
    while (!session->hash_wanted()) std::this_thread::yield();
    CHECK_FALSE(got);
    session->release_hash();
    waiter.join();
    CHECK(got);
}

TEST_CASE("a newer request for a part supersedes one that still reads") {
    PartsInFlight in_flight;
    PartsInFlight::Receipt first(in_flight.session("a"), 1);
    PartsInFlight::Receipt other(in_flight.session("a"), 2);
    CHECK_FALSE(first.superseded());
    PartsInFlight::Receipt second(in_flight.session("a"), 1);
    CHECK(first.superseded());
    CHECK_FALSE(other.superseded());
    CHECK_FALSE(first.set_whole());
    CHECK(second.set_whole());
}

TEST_CASE("a newer request waits for one that is being stored") {
    PartsInFlight in_flight;
    auto first = std::make_unique<PartsInFlight::Receipt>(in_flight.session("a"), 1);
    REQUIRE(first->set_whole());
    std::atomic<bool> entered{false};
    std::thread newer([&] {
        PartsInFlight::Receipt second(in_flight.session("a"), 1);
        entered = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK_FALSE(entered);
    first.reset();
    newer.join();
    CHECK(entered);
}
