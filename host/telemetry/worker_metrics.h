#pragma once

#include <span>

#include "jobs/worker.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// How the background jobs fare, each by its name.
void collect_workers(Families& families, std::span<jobs::Worker* const> workers);

}  // namespace imgsrv::telemetry
