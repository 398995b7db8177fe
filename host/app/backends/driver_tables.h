#pragma once

#include <string_view>

#include "config/settings.h"
#include "core/status.h"
#include "plugin/options.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// Whether a loaded plugin declares every option of the drivers' tables ([storage.s3], …), those of unused drivers
// included. invalid_argument names the first one that is unknown, where it was set, and the nearest known one. Values
// are checked where a driver is created.
Status check_driver_tables(const config::Settings& settings, const plugin::PluginRegistry& registry);

// Whether a setting of this name may hold a secret: an option that its driver declares as one, or an unknown option.
// The name of a file that holds a secret is none, and the host's own settings hold none.
bool may_be_secret(const plugin::PluginRegistry& registry, std::string_view name);

}  // namespace imgsrv::app
