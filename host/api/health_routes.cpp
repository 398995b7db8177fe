#include <nlohmann/json.hpp>

#include "api/endpoint.h"

namespace imgsrv::api {
namespace {

http::Response bare(int status) {
    http::Response response;
    response.status = status;
    response.headers.add("Cache-Control", "no-store");
    if (status == 503) response.headers.add("Retry-After", "1");
    return response;
}

}  // namespace

void add_health_routes(Endpoints& endpoints) {
    const auto& services = endpoints.shared();
    // Probes are answered on the event loop with the latest results of the background checks: they never wait for a
    // backend.
    endpoints.add_probe("/healthz", [] { return bare(204); });
    endpoints.add_probe("/readyz", [services] { return bare(services->health.ready() ? 204 : 503); });
    endpoints.add_probe("/health", [services] {
        const auto report = services->health.report();
        Json checks = Json::object();
        for (const auto& check : report.checks) {
            Json one = {{"status", check.error.empty() ? "ok" : "error"}};
            if (!check.error.empty()) one["error"] = check.error;
            checks[check.name] = std::move(one);
        }
        auto response = json_response(report.ok ? 200 : 503,
                                      {{"status", report.ok ? "ok" : "error"}, {"checks", std::move(checks)}});
        response.headers.add("Cache-Control", "no-store");
        if (!report.ok) response.headers.add("Retry-After", "1");
        return response;
    });
}

}  // namespace imgsrv::api
