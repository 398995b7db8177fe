#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "app/backends/backends.h"
#include "background/worker.h"
#include "config/settings.h"
#include "http/router.h"
#include "http/server.h"
#include "services/catalogue/catalogue_clock.h"
#include "services/health_service.h"
#include "services/housekeeping/collector.h"
#include "services/housekeeping/durable_state.h"
#include "services/housekeeping/scrubber.h"
#include "telemetry/http_metrics.h"
#include "telemetry/metrics.h"
#include "telemetry/plugin_metrics.h"

namespace imgsrv::app {

// invalid_argument: metrics-path is no path that a route can have.
Status check_metrics_path(const config::Settings& settings);

// The metrics of the server's process, and the listener that serves them: a server of its own with a few threads, so
// that it answers while the main one is busy or waits for a backend.
class Monitoring {
  public:
    plugin::MetricSink& plugin_sink() { return plugins_; }
    prometheus::Registry& registry() { return metrics_.registry(); }

    // Adds the route to the API's listener if metrics-on-api is set; check_metrics_path() has accepted metrics-path.
    // invalid_argument: the API has that path. [main, before observe]
    Status add_route(const config::Settings& settings, http::Router& router);
    // The observer of the server whose routes these are. [main, once]
    http::Observer& observe(const http::Router& router);
    // What each scrape reads; all of it outlives stop().
    struct Watched {
        const plugin::PluginRegistry& plugins;
        store::Pool& pool;
        const services::CatalogueClock& clock;
        const services::HealthService& health;
        const services::Collector& collector;
        const services::Scrubber& scrubber;
        const http::Server& server;
        std::vector<background::Worker*> workers;
        std::filesystem::path data_dir;
    };
    // [main, once]
    void watch(const Watched& watched);
    // Listens on metrics-listen unless that is empty. [main, last]
    Status start(const config::Settings& settings);
    // No scrape runs once it returns. [main]
    void stop();

  private:
    telemetry::Metrics metrics_;
    telemetry::PluginMetrics plugins_{metrics_.registry()};
    std::unique_ptr<telemetry::HttpMetrics> http_;
    std::unique_ptr<services::DurableState> durable_;
    http::Router router_;
    std::unique_ptr<http::Server> server_;
};

}  // namespace imgsrv::app
