#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <filesystem>

#include "core/status.h"

namespace imgsrv::plugin {

// Whether a file may be loaded as code: it is a regular file, an ELF shared object for this machine, and neither the
// file nor its directory can be changed by anybody but root and `user`. Otherwise a status whose
// message is one sentence that names the file and the reason.
// `file` must be canonical, so that what is checked is what is loaded.
Status check_plugin_file(const std::filesystem::path& file, uid_t user = ::geteuid());

// The same for a directory of plugins: only root and `user` can put files there.
Status check_plugin_directory(const std::filesystem::path& directory, uid_t user = ::geteuid());

}  // namespace imgsrv::plugin
