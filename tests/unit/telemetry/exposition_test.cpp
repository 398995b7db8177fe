// Prometheus text or OpenMetrics, by Accept.
#include "telemetry/exposition.h"

#include <array>
#include <catch2/catch.hpp>

using namespace imgsrv::telemetry;

namespace {

Families some() {
    static constexpr std::array kBounds = {0.5, 1.0};
    static Histogram durations(kBounds);
    static const bool kOnce = [] {
        for (const double value : {0.5, 0.6, 7.0}) durations.observe(value);
        return true;
    }();
    static_cast<void>(kOnce);
    Families families;
    counter("things_total", "Things \"of\" a kind\nand more.").add(3, {{"kind", "a\\b\"c\nd"}}).move_to(families);
    gauge("level", "A level.").add(-0.25).add(1e21, {{"of", "x"}, {"in", "y"}}).move_to(families);
    histogram("wait_seconds", "Waits.").add(durations, {{"who", "me"}}).move_to(families);
    gauge("nothing", "Has no values.").move_to(families);
    return families;
}

}  // namespace

TEST_CASE("OpenMetrics text") {
    CHECK(expose(some(), Exposition::openmetrics) ==
          "# TYPE things counter\n"
          "# HELP things Things \\\"of\\\" a kind\\nand more.\n"
          "things_total{kind=\"a\\\\b\\\"c\\nd\"} 3\n"
          "# TYPE level gauge\n"
          "# HELP level A level.\n"
          "level -0.25\n"
          "level{of=\"x\",in=\"y\"} 1e+21\n"
          "# TYPE wait_seconds histogram\n"
          "# HELP wait_seconds Waits.\n"
          "wait_seconds_bucket{who=\"me\",le=\"0.5\"} 1\n"
          "wait_seconds_bucket{who=\"me\",le=\"1.0\"} 2\n"
          "wait_seconds_bucket{who=\"me\",le=\"+Inf\"} 3\n"
          "wait_seconds_count{who=\"me\"} 3\n"
          "wait_seconds_sum{who=\"me\"} 8.1\n"
          "# EOF\n");
}

TEST_CASE("plain text of Prometheus") {
    const std::string text = expose(some(), Exposition::text);
    CHECK_THAT(text, Catch::Contains("# TYPE things_total counter\n"));
    CHECK_THAT(text, Catch::Contains("wait_seconds_bucket{who=\"me\",le=\"1\"} 2\n"));
    CHECK_THAT(text, Catch::Contains("wait_seconds_count{who=\"me\"} 3\n"));
}

TEST_CASE("the scraper chooses the format by Accept") {
    CHECK(choose_exposition("") == Exposition::text);
    CHECK(choose_exposition("*/*") == Exposition::text);
    CHECK(choose_exposition("text/html, application/openmetrics-text;q=0") == Exposition::text);
    CHECK(choose_exposition("application/openmetrics-text; version=1.0.0") == Exposition::openmetrics);
    CHECK(choose_exposition("application/openmetrics-text;q=0.4,text/plain;q=0.5") == Exposition::text);
    CHECK(choose_exposition("application/openmetrics-text;q=0.5,text/plain;q=0.5") == Exposition::openmetrics);
}
