#pragma once

#include <atomic>
#include <cstdint>

#include "imgsrv/abi.h"

namespace imgsrv::sqlite {

// Why the operation that runs must end now.
enum class Stop { none, cancelled, deadline, interrupted };

// CLOCK_MONOTONIC in nanoseconds, the clock of imgsrv_call::deadline_ns.
std::int64_t monotonic_ns() noexcept;

// How one connection waits: every wait ends at once when the call is cancelled, its deadline passes, or another thread
// interrupts the connection. One thread at a time, except wake() and interrupt().
class Patience {
  public:
    Patience();  // throws std::system_error when the process is out of descriptors
    ~Patience();
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;

    // While one lives, the limits of its call hold. An interrupt that came before counts no longer.
    class Scope {
      public:
        Scope(Patience& patience, const imgsrv_call* call) noexcept;
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

      private:
        Patience& patience_;
    };

    // Cheap: asked every few thousand steps of a query. none outside of a Scope.
    Stop stop() const noexcept;
    // Returns at until_ns, after wake(), or when there is a reason to stop; possibly early without a reason.
    void wait_until(std::int64_t until_ns) noexcept;

    void wake() noexcept;       // [any]
    void interrupt() noexcept;  // [any]

  private:
    const imgsrv_call* call_ = nullptr;
    bool active_ = false;
    std::atomic<bool> interrupted_{false};
    int event_fd_;
};

}  // namespace imgsrv::sqlite
