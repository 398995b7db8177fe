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

// IMGSRV_STORAGE_S3_BUCKET is storage.s3.bucket. Variables of the client (IMGSRV_SERVER, IMGSRV_TOKEN, …) are passed
// over.
Status read_environment(const std::map<std::string, std::string>& environment, Layer& layer);

// Brings the keys of one source to the form that settings are known by. Short names that stand for a driver and its
// options (short_names()) become those; options of drivers are spelled with underscores, as plugins declare them.
// invalid_argument: a key is there in both spellings.
Status settle_keys(Layer& layer);

// Lays a later source over what is there. A driver's option K and K_file are one setting.
void overlay(Layer& below, Layer above);

// Whether the key belongs to a driver's own table: its plugin checks it.
bool is_driver_option(std::string_view key);

}  // namespace imgsrv::config
