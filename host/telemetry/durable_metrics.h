#pragma once

#include "services/durable_state.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// What the database holds: uploads, blobs, publish jobs and their steps. While the database does not answer, only
// imgsrv_durable_state_up (0) is there.
void collect_durable(Families& families, services::DurableState& state);

}  // namespace imgsrv::telemetry
