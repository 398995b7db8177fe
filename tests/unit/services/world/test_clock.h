#pragma once

#include <atomic>
#include <chrono>

#include "core/time.h"

namespace imgsrv::test {

// The time of the database and of the object store. It stands still until a test moves it. [any]
class TestClock {
  public:
    Time now() const { return from_micros(micros_); }
    void advance(std::chrono::microseconds by) { micros_ += by.count(); }

  private:
    std::atomic<std::int64_t> micros_{1'800'000'000'000'000};  // 2027-01-15T08:00:00Z
};

}  // namespace imgsrv::test
