#pragma once

#include <filesystem>

#include "config/settings.h"
#include "core/status.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// A backup stands apart from the data it was made of: neither may be written into the other or lost with it. Both
// functions follow symbolic links and change nothing.

// failed_precondition: the backup's folder is data-dir or the store's folder, is inside of one of them, or holds one of
// them or the database.
Status require_apart_to_back_up(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                const std::filesystem::path& backup);
// failed_precondition: data-dir or the store's folder is the backup's or inside of it. The backup may be inside of
// data-dir.
Status require_apart_to_restore(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                const std::filesystem::path& backup);

}  // namespace imgsrv::app
