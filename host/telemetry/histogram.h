#pragma once

#include <prometheus/client_metric.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace imgsrv::telemetry {

// Counts observations by size without a lock, for what happens with every request: that of prometheus-cpp takes a
// mutex.
class Histogram {
  public:
    // bounds: ascending, inclusive upper ones; the infinite one is implied. Outlive the histogram.
    explicit Histogram(std::span<const double> bounds);

    // [any]
    void observe(double value) noexcept;
    void observe(std::chrono::nanoseconds duration) noexcept {
        observe(std::chrono::duration<double>(duration).count());
    }
    // An observation that comes meanwhile is in all of it or may be missing from the sum. [any]
    prometheus::ClientMetric::Histogram collect() const;

  private:
    const std::span<const double> bounds_;
    const std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;  // one for each bound, and the rest
    std::atomic<double> sum_{0};
};

}  // namespace imgsrv::telemetry
