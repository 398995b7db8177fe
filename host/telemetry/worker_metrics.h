#pragma once

#include <span>

#include "background/worker.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The state of the background jobs, by name.
void collect_workers(Families& families, std::span<background::Worker* const> workers);

}  // namespace imgsrv::telemetry
