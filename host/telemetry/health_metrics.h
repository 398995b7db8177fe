#pragma once

#include "services/health_service.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// What /readyz and /health report.
void collect_health(Families& families, const services::HealthService& health);

}  // namespace imgsrv::telemetry
