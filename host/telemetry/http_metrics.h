#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/router.h"
#include "http/server.h"
#include "telemetry/families.h"
#include "telemetry/histogram.h"

namespace imgsrv::telemetry {

// Durations of requests by method, route and status, under OpenTelemetry's names and under those that the dashboards of
// the public imgsrv use; and the lag of the event loops.
class HttpMetrics final : public http::Observer {
  public:
    // The router is complete, and outlives this object.
    explicit HttpMetrics(const http::Router& router);
    ~HttpMetrics() override;

    // Takes a lock only for the first response of a route with that status. [any]
    void on_access(const http::AccessRecord& record) override;
    void on_loop_lag(std::chrono::nanoseconds lag) override;
    void collect(Families& families) const;

  private:
    struct Series;
    struct Route {
        std::string_view pattern;  // empty: requests that matched none
        std::atomic<Series*> first{nullptr};
    };

    Series& find(Route& route, http::Method method, int status);

    std::unordered_map<std::string_view, Route> routes_;
    Histogram loop_lag_;
    std::mutex adding_;
    std::vector<std::unique_ptr<Series>> series_;  // guarded by adding_; each is in one route's list
};

}  // namespace imgsrv::telemetry
