#pragma once

#include <string>

#include "http/router.h"
#include "telemetry/metrics.h"

namespace imgsrv::telemetry {

// Adds GET <path>: every metric, as plain text or as OpenMetrics by Accept. The metrics outlive the router.
void add_metrics_route(http::Router& router, const std::string& path, const Metrics& metrics);

}  // namespace imgsrv::telemetry
