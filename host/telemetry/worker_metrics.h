#pragma once

#include <span>

#include "background/worker.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// How the background jobs fare, each by its name.
void collect_workers(Families& families, std::span<background::Worker* const> workers);

}  // namespace imgsrv::telemetry
