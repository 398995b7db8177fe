// A worker is woken, backs off after failures, and has a breaker.
#include "background/worker.h"

#include <atomic>
#include <catch2/catch.hpp>

#include "background/hash_queue.h"
#include "core/log.h"

using namespace imgsrv;
using namespace imgsrv::background;
using std::chrono::milliseconds;

namespace {

template <class Condition>
bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(milliseconds(1));
    }
    return true;
}

WorkerOptions quick() {
    WorkerOptions options;
    options.poll_interval = std::chrono::hours(1);
    options.backoff = milliseconds(1);
    options.backoff_max = milliseconds(4);
    options.breaker_failures = 0;
    return options;
}

}  // namespace

TEST_CASE("a worker goes on while there is work, then waits to be woken") {
    std::atomic<int> left{3};
    std::atomic<int> calls{0};
    Worker worker("test", quick(), [&](const ports::Call&) -> Result<bool> {
        ++calls;
        return left.fetch_sub(1) > 0;
    });
    worker.start();
    REQUIRE(eventually([&] { return calls == 4; }));
    worker.wake();
    REQUIRE(eventually([&] { return calls == 5; }));
    worker.stop();
    CHECK(worker.stats().successes >= 4);
    CHECK(worker.stats().errors == 0);
}

TEST_CASE("failures back off, doubling to the maximum, and success ends that") {
    log::set_level(log::Level::fatal);
    std::atomic<int> calls{0};
    Worker worker("test", quick(), [&](const ports::Call&) -> Result<bool> {
        if (++calls <= 4) return Status(Code::unavailable, "away").with_detail("an SQL text");
        return false;
    });
    worker.start();
    REQUIRE(eventually([&] { return calls == 5; }));
    REQUIRE(eventually([&] { return worker.stats().successes == 1; }));
    const auto stats = worker.stats();
    CHECK(stats.errors == 4);
    CHECK(stats.consecutive_failures == 0);
    CHECK(stats.last_error_text == "away");  // anybody may read it in /health
}

TEST_CASE("the breaker opens after so many failures and closes with a success") {
    log::set_level(log::Level::fatal);
    auto options = quick();
    options.breaker_failures = 3;
    options.breaker_cooldown = milliseconds(50);
    std::atomic<int> calls{0};
    Worker worker("test", options, [&](const ports::Call&) -> Result<bool> {
        if (++calls <= 3) return Status(Code::unavailable, "away");
        return false;
    });
    worker.start();
    REQUIRE(eventually([&] { return worker.stats().breaker_open; }));
    CHECK(worker.stats().circuit_open == 1);
    REQUIRE(eventually([&] { return calls == 4 && !worker.stats().breaker_open; }));
}

TEST_CASE("an open breaker holds every thread") {
    log::set_level(log::Level::fatal);
    auto options = quick();
    options.threads = 2;
    options.poll_interval = milliseconds(1);
    options.idle_is_success = false;
    options.breaker_failures = 3;
    options.breaker_cooldown = std::chrono::hours(1);
    std::atomic<int> calls{0};
    Worker worker("test", options, [&](const ports::Call&) -> Result<bool> {
        if (++calls <= 3) return Status(Code::unavailable, "away");
        return false;
    });
    worker.start();
    REQUIRE(eventually([&] { return worker.stats().breaker_open; }));
    std::this_thread::sleep_for(milliseconds(50));
    CHECK(calls <= 4);  // one may have been under way
    worker.stop();
}

TEST_CASE("stopping cancels what runs") {
    std::atomic<bool> running{false};
    Worker worker("test", quick(), [&](const ports::Call& call) -> Result<bool> {
        running = true;
        while (!call.cancelled()) std::this_thread::sleep_for(milliseconds(1));
        return false;
    });
    worker.start();
    REQUIRE(eventually([&] { return running.load(); }));
    worker.stop();
    SUCCEED();
}

TEST_CASE("a session stands in the hash queue once") {
    std::atomic<int> calls{0};
    std::atomic<bool> hold{true};
    HashQueue queue(1, [&](const ports::Call&, const std::string&) {
        ++calls;
        while (hold) std::this_thread::sleep_for(milliseconds(1));
        return Status();
    });
    queue.start();
    queue.add("a");
    REQUIRE(eventually([&] { return calls == 1; }));
    queue.add("b");
    queue.add("b");
    queue.add("b");
    hold = false;
    REQUIRE(eventually([&] { return calls == 2; }));
    queue.stop();
    CHECK(calls == 2);
}
