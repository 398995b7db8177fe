#pragma once

#include <cstdint>
#include <deque>
#include <imgsrv/cpp/patience.hpp>
#include <mutex>

namespace imgsrv::sqlite {

// Decides who writes next in this process. SQLite's own lock has no queue: its waiters sleep and try again, so under
// load they waste time and the unlucky ones starve. Here a running writer may go before sleeping ones, because each
// switch of threads costs more than a small transaction; but a writer that has waited for kFairAfterNs goes next, in
// order of arrival. Writers of other processes still compete for SQLite's lock.
class WriterQueue {
  public:
    // The right to write; released when destroyed. May be taken by one thread and released by another.
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
    static constexpr std::int64_t kFairAfterNs = 10'000'000;

    struct Place {
        sdk::Patience* patience;
        std::int64_t since_ns;
        bool granted = false;
    };

    void pass_on() noexcept;

    std::mutex mutex_;
    bool taken_ = false;
    std::deque<Place*> waiting_;
};

}  // namespace imgsrv::sqlite
