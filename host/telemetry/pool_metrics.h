#pragma once

#include "store/pool.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// Connections to the database, and how long callers waited for one.
void collect_pool(Families& families, const store::PoolStats& stats);

}  // namespace imgsrv::telemetry
