#pragma once

#include "services/catalogue/catalogue_clock.h"
#include "services/housekeeping/durable_state.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The state in the database: uploads, blobs, publish jobs and their steps, and whether this node has caught up with it.
// While the database does not answer, only imgsrv_durable_state_up (0) is reported.
void collect_durable(Families& families, services::DurableState& state, const services::CatalogueClock& clock);

}  // namespace imgsrv::telemetry
