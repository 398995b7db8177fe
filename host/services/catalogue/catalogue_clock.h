#pragma once

#include <atomic>
#include <cstdint>

namespace imgsrv::services {

// The catalogue's generation as this process knows it: what is cached for an older one is stale. [any]
class CatalogueClock {
  public:
    std::int64_t generation() const { return generation_.load(std::memory_order_acquire); }
    // Only ever forward.
    void advance_to(std::int64_t generation) {
        std::int64_t seen = generation_.load();
        while (seen < generation && !generation_.compare_exchange_weak(seen, generation)) {
        }
    }

  private:
    std::atomic<std::int64_t> generation_{0};
};

}  // namespace imgsrv::services
