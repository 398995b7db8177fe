#pragma once

#include "services/housekeeping/collector.h"
#include "services/housekeeping/scrubber.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// What this process removed as unreferenced, and what its scrubber read.
void collect_housekeeping(Families& families, const services::CollectorReport& removed,
                          const services::ScrubberStats& read);

}  // namespace imgsrv::telemetry
