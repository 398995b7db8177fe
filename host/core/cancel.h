#pragma once

#include <atomic>
#include <memory>

namespace imgsrv {

// One request to stop, visible to every holder of the token. [any]
// fd() becomes readable on cancel(), so that a poll() wakes up too.
class Cancellation {
  public:
    Cancellation();
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    void cancel() noexcept;
    bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
    // -1 when the process is out of descriptors; then only cancelled() tells.
    int fd() const noexcept { return fd_; }

  private:
    std::atomic<bool> cancelled_{false};
    int fd_;
};

using CancelToken = std::shared_ptr<const Cancellation>;

}  // namespace imgsrv
