#include "app/commands/folder_flags.h"

#include <CLI/CLI.hpp>

namespace imgsrv::app {

FolderFlags::FolderFlags(CLI::App& command) : settings(command) {
    command.add_option("DIR", folder, "the backup's folder")->required();
}

}  // namespace imgsrv::app
