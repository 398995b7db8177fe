#include "telemetry/http_metrics.h"

#include <array>
#include <string>

namespace imgsrv::telemetry {
namespace {

// OpenTelemetry's advice for http.server.request.duration.
constexpr std::array kSemanticBounds = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                        0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};
// What dashboards of earlier servers expect.
constexpr std::array kPlainBounds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0};
constexpr std::array kLagBounds = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0};

// nginx's status for a client that hung up before the response.
constexpr int kClientGone = 499;

}  // namespace

struct HttpMetrics::Series {
    Series(http::Method m, int s, Series* n) : method(m), status(s), next(n) {}

    const http::Method method;
    const int status;
    Series* const next;
    Histogram semantic{kSemanticBounds};
    Histogram plain{kPlainBounds};
};

HttpMetrics::HttpMetrics(const http::Router& router) : loop_lag_(kLagBounds) {
    routes_[""].pattern = "";
    for (const http::Route& route : router.routes()) routes_[route.pattern].pattern = route.pattern;
}

HttpMetrics::~HttpMetrics() = default;

void HttpMetrics::on_access(const http::AccessRecord& record) {
    if (record.request == nullptr) return;
    const auto found = routes_.find(record.request->route);
    Route& route = found != routes_.end() ? found->second : routes_.find("")->second;
    Series& series = find(route, record.request->method, record.status == 0 ? kClientGone : record.status);
    series.semantic.observe(record.duration);
    series.plain.observe(record.duration);
}

void HttpMetrics::on_loop_lag(std::chrono::nanoseconds lag) {
    loop_lag_.observe(lag);
}

HttpMetrics::Series& HttpMetrics::find(Route& route, http::Method method, int status) {
    const auto look = [&]() -> Series* {
        for (Series* s = route.first.load(std::memory_order_acquire); s != nullptr; s = s->next)
            if (s->status == status && s->method == method) return s;
        return nullptr;
    };
    if (Series* known = look()) return *known;
    const std::lock_guard lock(adding_);
    if (Series* known = look()) return *known;
    series_.push_back(std::make_unique<Series>(method, status, route.first.load()));
    route.first.store(series_.back().get(), std::memory_order_release);
    return *series_.back();
}

void HttpMetrics::collect(Families& families) const {
    auto semantic = histogram("http_server_request_duration_seconds", "Duration of HTTP requests.");
    auto plain = histogram("http_request_duration_seconds", "Duration of HTTP requests.");
    for (const auto& [pattern, route] : routes_) {
        for (const Series* s = route.first.load(std::memory_order_acquire); s != nullptr; s = s->next) {
            const std::string status = std::to_string(s->status);
            const auto method = s->method == http::Method::other ? "_OTHER" : http::to_string(s->method);
            semantic.add(
                s->semantic,
                {{"http_request_method", method}, {"http_route", pattern}, {"http_response_status_code", status}});
            plain.add(s->plain, {{"method", method},
                                 {"route", pattern.empty() ? std::string_view("__unknown__") : pattern},
                                 {"status_code", status}});
        }
    }
    semantic.move_to(families);
    plain.move_to(families);
    histogram("imgsrv_reactor_lag_seconds", "How late the timers of the HTTP event loops fired.")
        .add(loop_lag_)
        .move_to(families);
}

}  // namespace imgsrv::telemetry
