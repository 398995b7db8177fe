#pragma once

#include "config/settings.h"
#include "core/status.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// Whether every option of a driver's table ([storage.s3], …) is one that a loaded plugin declares; also for drivers
// that are not in use. invalid_argument names the first one that is not, where it was set, and the nearest there is.
// Values are checked by those who use them.
Status check_driver_tables(const config::Settings& settings, const plugin::PluginRegistry& registry);

}  // namespace imgsrv::app
