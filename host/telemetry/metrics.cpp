#include "telemetry/metrics.h"

#include <algorithm>

namespace imgsrv::telemetry {

std::string Metrics::expose(Exposition exposition) const {
    Families families = registry_.Collect();
    for (const Collect& collect : collectors_) collect(families);
    std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return telemetry::expose(families, exposition);
}

}  // namespace imgsrv::telemetry
