#include "telemetry/plugin_metrics.h"

#include <catch2/catch.hpp>
#include <limits>

#include "telemetry/metrics.h"

using namespace imgsrv;
using plugin::MetricKind;

namespace {

using LabelList = std::vector<std::pair<std::string_view, std::string_view>>;

std::string text_of(const telemetry::Metrics& metrics) {
    return metrics.expose(telemetry::Exposition::text);
}

}  // namespace

TEST_CASE("a plugin's metrics are shown with its component") {
    telemetry::Metrics metrics;
    telemetry::PluginMetrics sink(metrics.registry());
    sink.record(MetricKind::counter, "requests_total", 2, LabelList{{"component", "s3"}, {"outcome", "ok"}});
    sink.record(MetricKind::counter, "requests_total", 3, LabelList{{"component", "s3"}, {"outcome", "ok"}});
    sink.record(MetricKind::gauge, "depth", 7, LabelList{{"component", "s3"}});
    sink.record(MetricKind::gauge, "depth", 4, LabelList{{"component", "s3"}});
    sink.record(MetricKind::histogram, "wait_seconds", 0.02, LabelList{{"component", "s3"}});
    const std::string text = text_of(metrics);
    CHECK_THAT(text, Catch::Contains("imgsrv_plugin_requests_total{component=\"s3\",outcome=\"ok\"} 5\n"));
    CHECK_THAT(text, Catch::Contains("imgsrv_plugin_depth{component=\"s3\"} 4\n"));
    CHECK_THAT(text, Catch::Contains("imgsrv_plugin_wait_seconds_bucket{component=\"s3\",le=\"0.05\"} 1\n"));
}

TEST_CASE("a metric that breaks the rules is dropped and harms nothing else") {
    telemetry::Metrics metrics;
    telemetry::PluginMetrics sink(metrics.registry());
    sink.record(MetricKind::counter, "good_total", 1, LabelList{});
    sink.record(MetricKind::gauge, "good_total", 5, LabelList{});  // another kind
    sink.record(MetricKind::counter, "good_total", -1, LabelList{});
    sink.record(MetricKind::counter, "good_total", std::numeric_limits<double>::quiet_NaN(), LabelList{});
    sink.record(MetricKind::counter, "bad name", 1, LabelList{});
    sink.record(MetricKind::gauge, "info", 1, LabelList{});  // the host's own
    sink.record(MetricKind::gauge, "labels", 1,
                LabelList{{"le", "1"}, {"bad-label", "x"}, {"__reserved", "x"}, {"ok", "y"}});
    const std::string text = text_of(metrics);
    CHECK_THAT(text, Catch::Contains("imgsrv_plugin_good_total 1\n"));
    CHECK_THAT(text, !Catch::Contains("bad"));
    CHECK_THAT(text, !Catch::Contains("imgsrv_plugin_info"));
    CHECK_THAT(text, Catch::Contains("imgsrv_plugin_labels{ok=\"y\"} 1\n"));
}

TEST_CASE("unbounded labels stop growing") {
    telemetry::Metrics metrics;
    telemetry::PluginMetrics sink(metrics.registry());
    for (int i = 0; i < 10'000; ++i) {
        const std::string id = std::to_string(i);
        sink.record(MetricKind::counter, "leaks_total", 1, LabelList{{"id", id}});
        sink.record(MetricKind::counter, "name_" + id, 1, LabelList{});
    }
    const std::string text = text_of(metrics);
    CHECK(std::count(text.begin(), text.end(), '\n') < 2'000);
    sink.record(MetricKind::counter, "leaks_total", 1, LabelList{{"id", "7"}});
    CHECK_THAT(text_of(metrics), Catch::Contains("imgsrv_plugin_leaks_total{id=\"7\"} 2\n"));
}
