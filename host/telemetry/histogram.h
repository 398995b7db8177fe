#pragma once

#include <prometheus/client_metric.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace imgsrv::telemetry {

// A lock-free histogram for events that occur with every request: prometheus-cpp's takes a mutex.
class Histogram {
  public:
    // bounds: ascending inclusive upper bounds; infinity is implied. They outlive the histogram.
    explicit Histogram(std::span<const double> bounds);

    // [any]
    void observe(double value) noexcept;
    void observe(std::chrono::nanoseconds duration) noexcept {
        observe(std::chrono::duration<double>(duration).count());
    }
    // A concurrent observation may be counted but missing from the sum. [any]
    prometheus::ClientMetric::Histogram collect() const;

  private:
    const std::span<const double> bounds_;
    const std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;  // one per bound, then the rest
    std::atomic<double> sum_{0};
};

}  // namespace imgsrv::telemetry
