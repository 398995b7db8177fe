#include "telemetry/plugin_metrics.h"

#include <prometheus/check_names.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include <cmath>
#include <exception>

#include "core/log.h"

namespace imgsrv::telemetry {
namespace {

using plugin::MetricKind;

constexpr std::string_view kPrefix = "imgsrv_plugin_";
constexpr std::size_t kMostFamilies = 200;
constexpr std::size_t kMostSeries = 200;  // of one family

const prometheus::Histogram::BucketBoundaries kSeconds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};
const prometheus::Histogram::BucketBoundaries kAnything = {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

void observe(prometheus::Family<prometheus::Counter>& family, const prometheus::Labels& labels, std::string_view,
             double value) {
    family.Add(labels).Increment(value);
}
void observe(prometheus::Family<prometheus::Gauge>& family, const prometheus::Labels& labels, std::string_view,
             double value) {
    family.Add(labels).Set(value);
}
void observe(prometheus::Family<prometheus::Histogram>& family, const prometheus::Labels& labels, std::string_view name,
             double value) {
    family.Add(labels, name.ends_with("_seconds") ? kSeconds : kAnything).Observe(value);
}

}  // namespace

void PluginMetrics::record(MetricKind kind, std::string_view name, double value,
                           std::span<const std::pair<std::string_view, std::string_view>> labels) noexcept {
    try {
        const std::lock_guard lock(mutex_);
        record_locked(kind, name, value, labels);
    } catch (const std::exception& error) {
        log::warn("plugin metric lost", {{"name", name}, {"error", error.what()}});
    }
}

void PluginMetrics::record_locked(MetricKind kind, std::string_view name, double value,
                                  std::span<const std::pair<std::string_view, std::string_view>> labels) {
    if (!std::isfinite(value) || (kind == MetricKind::counter && value < 0)) return;
    Known* known = find(kind, name);
    if (known == nullptr) {
        if (!std::exchange(complained_, true))
            log::warn("plugin metric dropped: bad name, conflicting kind, or too many metrics", {{"name", name}});
        return;
    }
    prometheus::Labels all;
    for (const auto& [label, text] : labels)
        if (prometheus::CheckLabelName(std::string(label)) && label != "le") all.emplace(label, text);
    std::visit(
        [&](auto* family) {
            if (!family->Has(all)) {
                if (known->series >= kMostSeries) {
                    if (!std::exchange(known->complained, true))
                        log::warn("plugin metric has too many label values; new ones are dropped", {{"name", name}});
                    return;
                }
                ++known->series;
            }
            observe(*family, all, name, value);
        },
        known->family);
}

PluginMetrics::Known* PluginMetrics::find(MetricKind kind, std::string_view name) {
    if (const auto found = families_.find(name); found != families_.end())
        return found->second.kind == kind ? &found->second : nullptr;
    const std::string full = std::string(kPrefix) + std::string(name);
    // imgsrv_plugin_info is the host's own.
    if (families_.size() >= kMostFamilies || !prometheus::CheckMetricName(full) || name == "info") return nullptr;
    const std::string help = "Reported by a plugin.";
    Known known{kind, {}};
    switch (kind) {
        case MetricKind::counter:
            known.family = &prometheus::BuildCounter().Name(full).Help(help).Register(registry_);
            break;
        case MetricKind::gauge:
            known.family = &prometheus::BuildGauge().Name(full).Help(help).Register(registry_);
            break;
        case MetricKind::histogram:
            known.family = &prometheus::BuildHistogram().Name(full).Help(help).Register(registry_);
            break;
    }
    return &families_.emplace(name, known).first->second;
}

}  // namespace imgsrv::telemetry
