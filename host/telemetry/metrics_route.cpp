#include "telemetry/metrics_route.h"

namespace imgsrv::telemetry {

void add_metrics_route(http::Router& router, const std::string& path, const Metrics& metrics) {
    http::Route route;
    route.method = http::Method::get;
    route.pattern = path;
    route.limited = false;
    route.handler = [&metrics](http::Request& request) {
        const Exposition exposition = choose_exposition(request.headers.joined("Accept"));
        http::Response response;
        response.headers.add("Content-Type", std::string(content_type(exposition)));
        response.headers.add("Cache-Control", "no-store");
        response.headers.add("Vary", "Accept");
        response.body = metrics.expose(exposition);
        return response;
    };
    router.add(std::move(route));
}

}  // namespace imgsrv::telemetry
