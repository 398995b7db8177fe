#pragma once

#include <string>

#include "app/commands/settings_flags.h"

namespace imgsrv::app {

// The flags of `backup` and `restore`.
struct FolderFlags {
    explicit FolderFlags(CLI::App& command);

    SettingsFlags settings;
    std::string folder;
};

}  // namespace imgsrv::app
