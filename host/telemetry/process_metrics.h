#pragma once

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// This process as the kernel and the allocator see it. What cannot be read is left out. [any]
void collect_process(Families& families);

}  // namespace imgsrv::telemetry
