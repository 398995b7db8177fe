#pragma once

#include <prometheus/registry.h>

#include <map>
#include <mutex>
#include <string>
#include <variant>

#include "plugin/host_table.h"

namespace imgsrv::telemetry {

// The metrics that plugins report, as imgsrv_plugin_<name>. A plugin that breaks the rules of imgsrv_host.metric (a
// name or label that Prometheus does not allow, another kind under a known name, unbounded labels) is logged once, and
// the offending values are dropped.
class PluginMetrics final : public plugin::MetricSink {
  public:
    // The registry outlives it.
    explicit PluginMetrics(prometheus::Registry& registry) : registry_(registry) {}

    void record(plugin::MetricKind kind, std::string_view name, double value,
                std::span<const std::pair<std::string_view, std::string_view>> labels) noexcept override;

  private:
    using Family = std::variant<prometheus::Family<prometheus::Counter>*, prometheus::Family<prometheus::Gauge>*,
                                prometheus::Family<prometheus::Histogram>*>;
    struct Known {
        plugin::MetricKind kind;
        Family family;
        std::size_t series = 0;
        bool complained = false;
    };

    void record_locked(plugin::MetricKind kind, std::string_view name, double value,
                       std::span<const std::pair<std::string_view, std::string_view>> labels);
    Known* find(plugin::MetricKind kind, std::string_view name);

    prometheus::Registry& registry_;
    std::mutex mutex_;
    std::map<std::string, Known, std::less<>> families_;
    bool complained_ = false;  // about a name
};

}  // namespace imgsrv::telemetry
