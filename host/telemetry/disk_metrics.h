#pragma once

#include <filesystem>

#include "telemetry/families.h"

namespace imgsrv::telemetry {

// The file system that holds the folder, if the folder exists.
void collect_disk(Families& families, const std::filesystem::path& data_dir);

}  // namespace imgsrv::telemetry
