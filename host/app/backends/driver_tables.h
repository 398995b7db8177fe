#pragma once

#include <string_view>

#include "config/settings.h"
#include "core/status.h"
#include "plugin/options.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// The table of one driver, as its plugin takes it: [<section>.<driver>].
plugin::OptionValues driver_options(const config::Settings& settings, std::string_view section,
                                    std::string_view driver);

// Whether every option of a driver's table ([storage.s3], …) is one that a loaded plugin declares; also for drivers
// that are not in use. invalid_argument names the first one that is not, where it was set, and the nearest there is.
// Values are checked by those who use them.
Status check_driver_tables(const config::Settings& settings, const plugin::PluginRegistry& registry);

// Whether a setting of this name may hold a secret: an option that its driver declares as one, or of which nothing is
// known. The name of a file that holds a secret is none, nor is a setting of the host's own.
bool may_be_secret(const plugin::PluginRegistry& registry, std::string_view name);

}  // namespace imgsrv::app
