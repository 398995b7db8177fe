#pragma once

#include <string>
#include <string_view>

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The two ways in which Prometheus reads metrics.
enum class Exposition { text, openmetrics };

// What a scraper gets by its Accept field: OpenMetrics when it asks for that by name and does not like plain text more.
Exposition choose_exposition(std::string_view accept);

std::string_view content_type(Exposition exposition);
std::string expose(const Families& families, Exposition exposition);

}  // namespace imgsrv::telemetry
