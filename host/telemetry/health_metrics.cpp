#include "telemetry/health_metrics.h"

namespace imgsrv::telemetry {

void collect_health(Families& families, const services::HealthService& health) {
    gauge("imgsrv_ready", "1 while /readyz reports ready.").add(health.ready() ? 1 : 0).move_to(families);
    auto failing = gauge("imgsrv_health_check_failing", "1 while this check of /health fails.");
    for (const auto& check : health.report().checks) failing.add(check.error.empty() ? 0 : 1, {{"check", check.name}});
    failing.move_to(families);
}

}  // namespace imgsrv::telemetry
