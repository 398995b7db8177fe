#pragma once

#include <atomic>
#include <chrono>

#include "core/time.h"

namespace imgsrv::test {

// The time of the database and of the object store. It begins at the machine's time, which some rules compare with, and
// stands still until a test moves it. [any]
class TestClock {
  public:
    Time now() const { return from_micros(micros_); }
    void advance(std::chrono::microseconds by) { micros_ += by.count(); }

  private:
    std::atomic<std::int64_t> micros_{
        to_micros(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()))};
};

}  // namespace imgsrv::test
