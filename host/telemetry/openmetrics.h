#pragma once

#include <string>

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The families as OpenMetrics 1.0 text: counters, gauges, histograms; others as unknown. Differs from the older text of
// Prometheus in the names of counters, in how numbers of buckets are written, and in its end.
std::string to_openmetrics(const Families& families);

}  // namespace imgsrv::telemetry
