#pragma once

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// This process as the kernel and the allocator see it. Values that cannot be read are omitted. [any]
void collect_process(Families& families);

}  // namespace imgsrv::telemetry
