#include "services/housekeeping/durable_state.h"

namespace imgsrv::services {

Result<store::statistics::Snapshot> DurableState::read() {
    constexpr auto kFresh = std::chrono::seconds(1);
    constexpr auto kPatience = std::chrono::seconds(2);
    // Other callers wait for the one that reads.
    const std::lock_guard lock(mutex_);
    if (!last_ || std::chrono::steady_clock::now() - read_at_ >= kFresh) {
        const ports::Call call{"metrics", std::chrono::steady_clock::now() + kPatience, nullptr};
        last_ = pool_.read(call, [](store::Transaction& tx) { return store::statistics::read(tx); });
        read_at_ = std::chrono::steady_clock::now();
    }
    return *last_;
}

}  // namespace imgsrv::services
