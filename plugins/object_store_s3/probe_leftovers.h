#pragma once

#include <atomic>
#include <cstdint>

#include "client.h"

namespace imgsrv::s3 {

// What a probe (traits.h) leaves when its process is killed: objects of a few bytes, and uploads that are never
// completed. Any process that uses the bucket removes them when they are kProbeIsDead old, by the store's clock. A
// probe that is still at work then, because the store is so slow, finds its upload gone and is tried again. [any]
class ProbeLeftovers {
  public:
    explicit ProbeLeftovers(Client& client) : client_(client) {}

    // Looks for them the first time it is called and every kProbeIsDead from then on. Does not throw: what cannot be
    // removed now is found again.
    void remove_when_due(const sdk::Call& call);

  private:
    void remove_objects(const sdk::Call& call);
    void remove_uploads(const sdk::Call& call);

    Client& client_;
    std::atomic<std::int64_t> due_ns_{0};  // sdk::monotonic_ns()
};

inline constexpr std::chrono::minutes kProbeIsDead{5};

}  // namespace imgsrv::s3
