#include "app/server/monitoring.h"

#include "core/log.h"
#include "telemetry/build_metrics.h"
#include "telemetry/disk_metrics.h"
#include "telemetry/durable_metrics.h"
#include "telemetry/health_metrics.h"
#include "telemetry/housekeeping_metrics.h"
#include "telemetry/metrics_route.h"
#include "telemetry/pool_metrics.h"
#include "telemetry/process_metrics.h"
#include "telemetry/worker_metrics.h"

namespace imgsrv::app {

using telemetry::Families;

Status check_metrics_path(const config::Settings& settings) {
    const std::string& path = settings.text("metrics-path");
    if (!path.empty() && path.front() == '/' && path.find_first_of("{}?# ") == std::string::npos) return {};
    return {Code::invalid_argument, "metrics-path '" + path + "' is not a path such as /metrics"};
}

Status Monitoring::add_route(const config::Settings& settings, http::Router& router) {
    if (!settings.boolean("metrics-on-api")) return {};
    const std::string& path = settings.text("metrics-path");
    const auto match = router.match(http::Method::get, path);
    if (!match.ok() || match->route != nullptr)
        return {Code::invalid_argument, "metrics-path '" + path + "' is a path of the API"};
    telemetry::add_metrics_route(router, path, metrics_);
    return {};
}

http::Observer& Monitoring::observe(const http::Router& router) {
    http_ = std::make_unique<telemetry::HttpMetrics>(router);
    metrics_.add([this](Families& families) { http_->collect(families); });
    return *http_;
}

void Monitoring::watch(const Watched& w) {
    durable_ = std::make_unique<services::DurableState>(w.pool);
    metrics_.add([this, w](Families& families) {
        telemetry::collect_build(families, IMGSRV_VERSION, w.plugins);
        telemetry::collect_process(families);
        telemetry::collect_disk(families, w.data_dir);
        telemetry::collect_health(families, w.health);
        telemetry::collect_pool(families, w.pool.stats());
        telemetry::collect_workers(families, w.workers);
        telemetry::collect_housekeeping(families, w.collector.totals(), w.scrubber.stats());
        telemetry::collect_durable(families, *durable_, w.clock);
        telemetry::gauge("http_server_active_requests", "Requests that were not answered to their end yet.")
            .add(static_cast<double>(w.server.active_requests()))
            .move_to(families);
    });
}

Status Monitoring::start(const config::Settings& settings) {
    const std::string& address = settings.text("metrics-listen");
    if (address.empty()) return {};
    telemetry::add_metrics_route(router_, settings.text("metrics-path"), metrics_);
    http::Limits limits;
    limits.loops = 1;
    limits.workers = 4;
    limits.connections = 64;
    server_ = std::make_unique<http::Server>(router_, limits, nullptr);
    Status listening = server_->listen({address, "", ""});
    if (!listening.ok()) return std::move(listening).with_context("metrics-listen");
    IMGSRV_TRY(server_->start());
    log::info("metrics are served", {{"address", server_->addresses().front()}});
    return {};
}

void Monitoring::stop() {
    server_.reset();
}

}  // namespace imgsrv::app
