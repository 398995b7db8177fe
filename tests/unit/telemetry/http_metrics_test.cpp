// The two histograms of requests, and that labels take a bounded number of values.
#include "telemetry/http_metrics.h"

#include <catch2/catch.hpp>
#include <thread>

#include "telemetry/exposition.h"

using namespace imgsrv;

namespace {

http::Router two_routes() {
    http::Router router;
    for (const char* pattern : {"/v1/images", "/v1/images/{name}"}) {
        http::Route route;
        route.pattern = pattern;
        route.handler = [](http::Request&) { return http::Response(); };
        router.add(std::move(route));
    }
    return router;
}

void finish(telemetry::HttpMetrics& metrics, http::Method method, std::string_view route, int status,
            std::chrono::milliseconds duration) {
    http::Request request;
    request.method = method;
    request.route = route;
    http::AccessRecord record;
    record.request = &request;
    record.status = status;
    record.duration = duration;
    metrics.on_access(record);
}

std::string text_of(const telemetry::HttpMetrics& metrics) {
    telemetry::Families families;
    metrics.collect(families);
    return telemetry::expose(families, telemetry::Exposition::text);
}

}  // namespace

TEST_CASE("requests are counted by method, route and status under both names") {
    const http::Router router = two_routes();
    telemetry::HttpMetrics metrics(router);
    finish(metrics, http::Method::get, "/v1/images/{name}", 200, std::chrono::milliseconds(3));
    finish(metrics, http::Method::get, "/v1/images/{name}", 200, std::chrono::milliseconds(30));
    finish(metrics, http::Method::other, "", 501, std::chrono::milliseconds(1));
    finish(metrics, http::Method::get, "/v1/images", 0, std::chrono::milliseconds(1));
    const std::string text = text_of(metrics);
    for (
        const char* line : {
            R"(http_request_duration_seconds_bucket{method="GET",route="/v1/images/{name}",status_code="200",le="0.005"} 1)",
            R"(http_request_duration_seconds_count{method="GET",route="/v1/images/{name}",status_code="200"} 2)",
            R"(http_server_request_duration_seconds_count{http_request_method="GET",http_route="/v1/images/{name}",http_response_status_code="200"} 2)",
            R"(http_request_duration_seconds_count{method="_OTHER",route="__unknown__",status_code="501"} 1)",
            R"(http_request_duration_seconds_count{method="GET",route="/v1/images",status_code="499"} 1)",
        }) {
        CHECK_THAT(text, Catch::Contains(std::string(line) + "\n"));
    }
}

TEST_CASE("a request that matches no route adds no label") {
    const http::Router router = two_routes();
    telemetry::HttpMetrics metrics(router);
    finish(metrics, http::Method::get, "/v1/images/secret-name", 200, std::chrono::milliseconds(1));
    CHECK_THAT(text_of(metrics), !Catch::Contains("secret-name"));
}

TEST_CASE("threads that meet a new status at the same time lose no count") {
    const http::Router router = two_routes();
    telemetry::HttpMetrics metrics(router);
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i)
                finish(metrics, http::Method::get, "/v1/images", 200 + i % 50, std::chrono::milliseconds(1));
        });
    for (auto& thread : threads) thread.join();
    telemetry::Families families;
    metrics.collect(families);
    std::uint64_t sum = 0;
    for (const auto& metric : families.front().metric) sum += metric.histogram.sample_count;
    CHECK(families.front().metric.size() == 50);
    CHECK(sum == 8000);
}
