#pragma once

#include "config/settings.h"
#include "core/status.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// Whether a server can start with this configuration, as far as that shows without a database, a store or a port: the
// options of the drivers and steps in use, the pipeline, the listeners, and the certificate. The driver tables of
// others are not looked at: check_driver_tables() does that. invalid_argument or not_found names the setting. Reads the
// files of secrets and of the certificate.
Status check_configuration(const config::Settings& settings, const plugin::PluginRegistry& registry);

}  // namespace imgsrv::app
