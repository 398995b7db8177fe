#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

void control(const char* what) {
    if (std::system((std::string(SERVER_SCRIPT) + " " + what).c_str()) != 0)
        throw std::runtime_error(std::string("cannot ") + what);
}

// Ends an outage, however the test ends.
struct Repair {
    const char* how;
    ~Repair() {
        if (std::system((std::string(SERVER_SCRIPT) + " " + how).c_str()) != 0) std::abort();
    }
};

template <class F>
std::chrono::milliseconds time_of(F&& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

}  // namespace

TEST_CASE("a killed gateway is reported at once, and forgotten when it is back") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto kept = store.put(store.key("kept"), {1, kMiB});
    imgsrv_error error{};
    control("kill-gateway");
    {
        const Repair repair{"start-gateway"};
        CHECK(health(instance, error) == IMGSRV_UNAVAILABLE);
        CHECK(store.stat(kept.key, nullptr, &error) == IMGSRV_UNAVAILABLE);
        CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
        // The connections in the pool are dead, and this body can be read only once.
        Body body({2, 6 * kMiB});
        CHECK(store.put(store.key("other"), body, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    }
    CHECK(health(instance, error) == IMGSRV_OK);
    store.expect_object(kept.key, {{1, kMiB}});
    CHECK_FALSE(store.exists(store.key("other")));
}

TEST_CASE("connections that died in the pool cost nothing, not even a body that can be read only once") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    store.put(store.key("warm"), {1, 10});
    control("kill-gateway");
    control("start-gateway");
    store.put(store.key("large"), {2, 6 * kMiB});
    store.expect_object(store.key("large"), {{2, 6 * kMiB}});
}

TEST_CASE("a store that was unreachable at the start is used once it is there") {
    control("kill-gateway");
    std::optional<Instance> instance;
    {
        const Repair repair{"start-gateway"};
        instance.emplace(s3_component(), s3_settings());
    }
    Store store(*instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    store.mp_complete(key, id, {store.mp_put_part(key, id, 1, {1, 6 * kMiB})});
    store.expect_object(key, {{1, 6 * kMiB}});
}

// The bounds tell an end with the call from the store's own timeouts, not how quick the machine is.
TEST_CASE("requests that hang end with their call") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto kept = store.put(store.key("kept"), {1, 6 * kMiB});
    imgsrv_error error{};
    {
        control("freeze-storage");
        const Repair repair{"thaw-storage"};
        {
            Call call;
            call.limit(500ms);
            Body body({2, 10});
            const auto took = time_of(
                [&] { CHECK(store.put(store.key("late"), body, 0, nullptr, &error, &call) == IMGSRV_DEADLINE); });
            CHECK(took < 4s);
        }
        {
            Call call;
            std::thread canceller([&] {
                std::this_thread::sleep_for(300ms);
                call.cancel();
            });
            Body body({2, 10});
            const auto took = time_of(
                [&] { CHECK(store.put(store.key("late"), body, 0, nullptr, &error, &call) == IMGSRV_CANCELLED); });
            canceller.join();
            CHECK(took < 4s);
        }
        const auto took = time_of([&] { CHECK(health(instance, error) == IMGSRV_UNAVAILABLE); });
        CHECK(took < 15s);
        CHECK_THAT(error.message, Contains("does not answer"));
    }
    CHECK(health(instance, error) == IMGSRV_OK);
    store.expect_object(kept.key, {{1, 6 * kMiB}});
}
