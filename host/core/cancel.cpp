#include "core/cancel.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace imgsrv {

Cancellation::Cancellation() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Cancellation::~Cancellation() {
    if (fd_ >= 0) ::close(fd_);
}

void Cancellation::cancel() noexcept {
    if (cancelled_.exchange(true, std::memory_order_acq_rel) || fd_ < 0) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(fd_, &one, sizeof one);
}

}  // namespace imgsrv
