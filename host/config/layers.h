#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "config/settings.h"
#include "core/status.h"

namespace imgsrv::config {

// Settings of one source, by their full key ("storage.s3.bucket").
using Layer = std::map<std::string, Value, std::less<>>;

// Reads one TOML file into the layer. Tables become key prefixes. invalid_argument names file, line and reason.
Status read_toml(const std::filesystem::path& file, Layer& layer);

// IMGSRV_STORAGE_S3_BUCKET is storage.s3.bucket. Variables of the client (IMGSRV_SERVER, IMGSRV_TOKEN, …) are ignored.
Status read_environment(const std::map<std::string, std::string>& environment, Layer& layer);

// Normalises the keys of one source. A short name (short_names()) becomes the driver and the option it stands for;
// drivers' options get underscores, as plugins declare them. invalid_argument when a key appears in both spellings.
Status settle_keys(Layer& layer);

// Applies a later source on top of `below`. A driver's option K and K_file are one setting.
void overlay(Layer& below, Layer above);

// Whether the key belongs to a driver's own table: its plugin checks it.
bool is_driver_option(std::string_view key);

}  // namespace imgsrv::config
