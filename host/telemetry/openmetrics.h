#pragma once

#include <string>

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The families as OpenMetrics 1.0 text: counters, gauges, histograms; others as unknown. Differs from Prometheus's
// older text format in the names of counters, the bounds of buckets, and the end marker.
std::string to_openmetrics(const Families& families);

}  // namespace imgsrv::telemetry
