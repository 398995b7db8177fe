#include "telemetry/histogram.h"

#include <algorithm>
#include <limits>

namespace imgsrv::telemetry {

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void Histogram::observe(double value) noexcept {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

prometheus::ClientMetric::Histogram Histogram::collect() const {
    prometheus::ClientMetric::Histogram out;
    out.bucket.reserve(bounds_.size() + 1);
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
        out.sample_count += counts_[i].load(std::memory_order_relaxed);
        out.bucket.push_back(
            {out.sample_count, i < bounds_.size() ? bounds_[i] : std::numeric_limits<double>::infinity()});
    }
    out.sample_sum = sum_.load(std::memory_order_relaxed);
    return out;
}

}  // namespace imgsrv::telemetry
