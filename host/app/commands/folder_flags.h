#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "app/commands/settings_flags.h"

namespace imgsrv::app {

// The command line of `backup` and `restore`.
struct FolderFlags {
    explicit FolderFlags(CLI::App& command) : settings(command) {
        command.add_option("DIR", folder, "the backup's folder")->required();
    }

    SettingsFlags settings;
    std::string folder;
};

}  // namespace imgsrv::app
