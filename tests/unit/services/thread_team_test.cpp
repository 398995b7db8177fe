#include "services/housekeeping/thread_team.h"

#include <pthread.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

using namespace imgsrv::services;

namespace {

// As long as it lives no thread can be made: none gets a stack of a size that no address space has.
class NoThreads {
  public:
    NoThreads() {
        ::pthread_getattr_default_np(&before_);
        pthread_attr_t huge;
        ::pthread_attr_init(&huge);
        ::pthread_attr_setstacksize(&huge, std::size_t{1} << 60);
        ::pthread_setattr_default_np(&huge);
        ::pthread_attr_destroy(&huge);
    }
    ~NoThreads() {
        ::pthread_setattr_default_np(&before_);
        ::pthread_attr_destroy(&before_);
    }
    NoThreads(const NoThreads&) = delete;
    NoThreads& operator=(const NoThreads&) = delete;

  private:
    pthread_attr_t before_{};
};

}  // namespace

TEST_CASE("each of a team runs the work once") {
    std::atomic<int> ran{0};
    const std::size_t threads = GENERATE(0, 1, 4);
    run_as_team(threads, [&] { ++ran; });
    CHECK(ran == static_cast<int>(std::max<std::size_t>(threads, 1)));
}

TEST_CASE("where no thread can be had, the caller does the work alone") {
    const NoThreads none;
    REQUIRE_THROWS_AS(std::thread([] {}), std::system_error);
    std::set<std::thread::id> ran;
    run_as_team(4, [&] { ran.insert(std::this_thread::get_id()); });
    CHECK(ran == std::set{std::this_thread::get_id()});
}
