#pragma once

#include "services/collector.h"
#include "services/scrubber.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// What this process removed because nothing names it, and what it read again.
void collect_keeping(Families& families, const services::CollectorReport& removed, const services::ScrubberStats& read);

}  // namespace imgsrv::telemetry
