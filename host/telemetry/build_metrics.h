#pragma once

#include <string_view>

#include "plugin/registry.h"
#include "telemetry/families.h"

namespace imgsrv::telemetry {

// Which program this is, and which plugins it has loaded.
void collect_build(Families& families, std::string_view version, const plugin::PluginRegistry& plugins);

}  // namespace imgsrv::telemetry
