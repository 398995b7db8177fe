#include "http/worker_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

using imgsrv::http::WorkerPool;

TEST_CASE("a pool runs as many tasks at once as it has threads, and queues the rest") {
    std::mutex mutex;
    std::condition_variable changed;
    int running = 0;
    bool go = false;
    std::atomic<int> done{0};
    WorkerPool pool(3);
    for (int i = 0; i < 10; ++i)
        REQUIRE(pool.run([&] {
            std::unique_lock lock(mutex);
            ++running;
            changed.notify_all();
            changed.wait(lock, [&] { return go; });
            ++done;
        }));
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return running == 3; });
        CHECK(done == 0);
        go = true;
    }
    changed.notify_all();
    pool.stop();
    CHECK(done == 10);
}
