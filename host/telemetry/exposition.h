#pragma once

#include <string>
#include <string_view>

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The two formats that Prometheus reads.
enum class Exposition { text, openmetrics };

// The format for a scraper's Accept field: OpenMetrics if it is listed and plain text is not preferred.
Exposition choose_exposition(std::string_view accept);

std::string_view content_type(Exposition exposition);
std::string expose(const Families& families, Exposition exposition);

}  // namespace imgsrv::telemetry
