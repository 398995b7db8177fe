#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "core/status.h"
#include "store/housekeeping/statistics.h"
#include "store/pool.h"

namespace imgsrv::services {

// Counts what the database holds, for metrics, at a bounded cost: all callers share one snapshot a second and wait two
// seconds for it at most.
class DurableState {
  public:
    explicit DurableState(store::Pool& pool) : pool_(pool) {}

    // [worker]
    Result<store::statistics::Snapshot> read();

  private:
    store::Pool& pool_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point read_at_{};
    std::optional<Result<store::statistics::Snapshot>> last_;
};

}  // namespace imgsrv::services
