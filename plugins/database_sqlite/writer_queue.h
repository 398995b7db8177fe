#pragma once

#include <cstdint>
#include <deque>
#include <mutex>

#include "imgsrv/cpp/patience.hpp"

namespace imgsrv::sqlite {

// Who writes next in this process, first come first served. SQLite's own lock has no queue: its waiters sleep and try
// again, so under load they waste time and the unlucky starve. Writers of other processes still meet in SQLite's lock.
class WriterQueue {
  public:
    // The right to write; given back when destroyed. May be taken by one thread and given back by another.
    class Turn {
      public:
        Turn() = default;
        ~Turn() { release(); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        bool held() const noexcept { return queue_ != nullptr; }
        void release() noexcept;

      private:
        friend class WriterQueue;
        WriterQueue* queue_ = nullptr;
    };

    // Waits until it is patience's turn. False: patience has a reason to stop, or until_ns has passed.
    bool acquire(sdk::Patience& patience, std::int64_t until_ns, Turn& turn);

  private:
    struct Place {
        sdk::Patience* patience;
        bool granted = false;
    };

    void pass_on() noexcept;

    std::mutex mutex_;
    bool taken_ = false;
    std::deque<Place*> waiting_;
};

}  // namespace imgsrv::sqlite
