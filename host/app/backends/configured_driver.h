#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/settings.h"
#include "core/status.h"
#include "plugin/kind.h"
#include "plugin/local_data.h"
#include "plugin/options.h"
#include "plugin/registry.h"

namespace imgsrv::app {

// A driver and the options that it is created with: those of its table, and its place below data-dir when its data is
// local and the configuration names no place.
struct ConfiguredDriver {
    const plugin::LoadedComponent* component = nullptr;
    plugin::OptionValues options;
    std::optional<plugin::LocalData> local;
    std::filesystem::path place;  // of local data; else empty
    bool in_data_dir = false;     // the host chose the place

    const std::string& name() const { return component->info.name; }
    // As the configuration calls it: "storage.fs.root".
    std::string setting(const std::string& option) const;
};

// The table of the configuration that drivers of a kind have: "storage" of [storage.s3].
std::string section_of(plugin::Kind kind);

// not_found: no plugin has the driver. failed_precondition: what it says of its local data is wrong.
Result<ConfiguredDriver> configure_driver(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                          plugin::Kind kind, const std::string& name);

}  // namespace imgsrv::app
