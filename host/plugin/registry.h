#pragma once

#include <imgsrv/abi.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "plugin/kind.h"
#include "plugin/options.h"

namespace imgsrv::plugin {

struct ComponentInfo {
    Kind kind = Kind::object_store;
    std::string name;
    bool serialized = false;  // the host calls it from one thread at a time
    bool finalizer = false;   // a publish step that may publish
    std::vector<OptionInfo> options;
};

// What `imgsrv plugins list|check|docs` shows of a plugin.
struct PluginInfo {
    std::filesystem::path file;
    std::string id, version, vendor, license;
    std::string abi;  // "1.0": the headers it was built with
    std::vector<ComponentInfo> components;
    std::vector<std::string> skipped;  // a sentence for each component of a kind this host does not know
};

// A component of a loaded plugin. Lives as long as the process.
struct LoadedComponent {
    const imgsrv_component* table = nullptr;
    ComponentInfo info;
    std::string plugin_id;
};

struct RefusedFile {
    std::filesystem::path file;
    Status reason;
};

// The plugins of this process. Loading is [main]; once it is done, everything const is [any].
// A file is loaded with Boost.DLL, symbols bound at once and local, and stays in memory until the process ends, so that
// code and constants of a plugin never vanish under a thread that uses them.
class PluginRegistry {
  public:
    PluginRegistry() = default;
    PluginRegistry(const PluginRegistry&) = delete;
    PluginRegistry& operator=(const PluginRegistry&) = delete;

    // Loads one file, or says in one sentence why not, which refused() keeps. A file that is loaded already is OK. Of
    // two plugins of one id, or two components of one kind and name, the second is refused.
    Status load_file(const std::filesystem::path& file);

    // Adds a plugin that is in memory already, after the same checks of its table. `file` is what messages call it.
    Status add_table(const std::filesystem::path& file, const imgsrv_plugin& table);

    // Loads every *.so of a directory in order of name. A refused file does not affect the others: see refused().
    // Not OK only when the directory itself cannot be read, or could be changed by others.
    Status load_directory(const std::filesystem::path& directory);

    const std::vector<PluginInfo>& plugins() const { return plugins_; }
    const std::vector<RefusedFile>& refused() const { return refused_; }

    // not_found names the drivers of this kind that there are, and the refused files.
    Result<const LoadedComponent*> find(Kind kind, std::string_view name) const;

  private:
    Status load(const std::filesystem::path& canonical);

    std::vector<PluginInfo> plugins_;
    std::vector<std::unique_ptr<LoadedComponent>> components_;
    std::vector<RefusedFile> refused_;
};

}  // namespace imgsrv::plugin
