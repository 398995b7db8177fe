#pragma once

#include <filesystem>

#include "config/settings.h"
#include "core/status.h"

namespace imgsrv::app {

// A backup stands apart from what it is of: the one must not be written into the other, nor be lost with it. Both look
// through symbolic links and change nothing.

// failed_precondition when the folder is data-dir or the store's folder, or inside of one, or holds one of them or the
// database.
Status require_apart_to_back_up(const config::Settings& settings, const std::filesystem::path& backup);
// failed_precondition when data-dir or the store's folder is the backup's or inside of it. A backup may be restored
// from inside of data-dir.
Status require_apart_to_restore(const config::Settings& settings, const std::filesystem::path& backup);

}  // namespace imgsrv::app
