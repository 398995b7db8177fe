#include "background/worker_list.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace imgsrv;
using namespace imgsrv::background;

namespace {

constexpr WorkerOptions kPatient{.poll_interval = std::chrono::hours(1), .breaker_failures = 0};

// Work that finds nothing, and tells when it looked for the first and the second time.
struct Looks {
    std::atomic<int> count{0};
    std::promise<void> first, second;

    Worker::Work work() {
        return [this](const ports::Call&) -> Result<bool> {
            const int look = ++count;
            if (look == 1) first.set_value();
            if (look == 2) second.set_value();
            return false;
        };
    }
};

bool in_time(std::promise<void>& promise) {
    return promise.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
}

}  // namespace

TEST_CASE("a worker of the list is woken by its name, and no other") {
    Looks a, b;
    WorkerList list;
    list.add("a", kPatient, a.work());
    list.add("b", kPatient, b.work());
    list.wake("a");  // before they start: harmless
    list.start();
    REQUIRE(in_time(a.first));
    REQUIRE(in_time(b.first));
    list.wake("b");
    REQUIRE(in_time(b.second));
    list.wake("c");  // a worker that this server does not have
    list.stop();
    CHECK(a.count == 1);
    CHECK(b.count == 2);
}

TEST_CASE("workers are stopped from the last to the first") {
    std::mutex mutex;
    std::vector<std::string> ended;
    std::latch begun(3);
    const auto until_cancelled = [&](const std::string& name) {
        return [&, name](const ports::Call& call) -> Result<bool> {
            begun.count_down();
            while (!call.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::lock_guard lock(mutex);
            ended.push_back(name);
            return false;
        };
    };
    WorkerList list;
    for (const char* name : {"first", "second", "third"}) list.add(name, kPatient, until_cancelled(name));
    list.start();
    begun.wait();
    list.stop();
    CHECK(ended == std::vector<std::string>{"third", "second", "first"});
    std::vector<std::string> names;
    for (const Worker* worker : list.all()) names.push_back(worker->name());
    CHECK(names == std::vector<std::string>{"first", "second", "third"});
}
