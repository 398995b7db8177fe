#pragma once

#include "services/catalogue/catalogue_clock.h"
#include "services/housekeeping/durable_state.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// What the database holds: uploads, blobs, publish jobs and their steps, and whether this node is up with it. While the
// database does not answer, only imgsrv_durable_state_up (0) is there.
void collect_durable(Families& families, services::DurableState& state, const services::CatalogueClock& clock);

}  // namespace imgsrv::telemetry
