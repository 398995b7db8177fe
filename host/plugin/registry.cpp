#include "plugin/registry.h"

#define BOOST_DLL_USE_STD_FS
#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/shared_library.hpp>
#include <system_error>

#include "core/nearest.h"
#include "plugin/file_check.h"
#include "plugin/table_check.h"

namespace imgsrv::plugin {
namespace {

constexpr const char* kSymbol = "imgsrv_plugin_v1";

// Loaded files, never released, even those that turn out to be no plugins: they may have left threads or exit handlers
// behind.
std::vector<boost::dll::shared_library>& kept() {
    static auto& libraries = *new std::vector<boost::dll::shared_library>();
    return libraries;
}

Result<const imgsrv_plugin*> open_plugin(const std::filesystem::path& file) {
    boost::dll::shared_library library;
    std::error_code error;
    library.load(file, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (error) {
        const char* reason = ::dlerror();
        return Status(Code::failed_precondition,
                      file.string() + " cannot be loaded: " + (reason ? std::string(reason) : error.message()));
    }
    kept().push_back(std::move(library));
    if (!kept().back().has(kSymbol))
        return Status(Code::failed_precondition,
                      file.string() + " is not an imgsrv plugin: it exports no symbol '" + kSymbol + "'");
    return &kept().back().get<const imgsrv_plugin>(kSymbol);
}

PluginInfo describe(const std::filesystem::path& file, const imgsrv_plugin& table) {
    const auto text = [](const char* t) { return std::string(t ? t : ""); };
    PluginInfo info{file, text(table.id), text(table.version), text(table.vendor), text(table.license), {}, {}, {}};
    info.abi = std::to_string(table.abi_major) + "." + std::to_string(table.abi_minor);
    for (auto at = table.components; *at; ++at) {
        const imgsrv_component& c = **at;
        if (!known_kind(c)) continue;
        info.components.push_back({static_cast<Kind>(c.kind), c.name, (c.flags & IMGSRV_COMPONENT_SERIALIZED) != 0,
                                   (c.flags & IMGSRV_COMPONENT_FINALIZER) != 0, describe_options(c.options)});
    }
    return info;
}

}  // namespace

Status PluginRegistry::load_file(const std::filesystem::path& file) {
    std::error_code error;
    std::filesystem::path canonical = std::filesystem::canonical(file, error);
    if (error) canonical = file;  // the check says what is wrong with it
    if (std::ranges::any_of(plugins_, [&](const PluginInfo& p) { return p.file == canonical; })) return {};
    Status status = load(canonical);
    if (!status.ok()) refused_.push_back({canonical, status});
    return status;
}

Status PluginRegistry::load(const std::filesystem::path& file) {
    IMGSRV_TRY(check_plugin_file(file));
    IMGSRV_ASSIGN(const imgsrv_plugin* table, open_plugin(file));
    return add_table(file, *table);
}

Status PluginRegistry::add_table(const std::filesystem::path& file, const imgsrv_plugin& table) {
    std::vector<std::string> skipped;
    if (const Status sound = check_plugin_table(table, skipped); !sound.ok())
        return {sound.code(), file.string() + " " + std::string(sound.message())};

    PluginInfo info = describe(file, table);
    info.skipped = std::move(skipped);
    for (const PluginInfo& other : plugins_)
        if (other.id == info.id)
            return {Code::already_exists, file.string() + " has the plugin id '" + info.id + "', which " +
                                              other.file.string() + " has already"};
    for (const ComponentInfo& c : info.components)
        for (const auto& other : components_)
            if (other->info.kind == c.kind && other->info.name == c.name)
                return {Code::already_exists, file.string() + " has the " + std::string(to_string(c.kind)) +
                                                  " component '" + c.name + "', which plugin " + other->plugin_id +
                                                  " has already"};

    auto described = info.components.begin();
    for (auto at = table.components; *at; ++at)
        if (known_kind(**at))
            components_.push_back(std::make_unique<LoadedComponent>(LoadedComponent{*at, *described++, info.id}));
    plugins_.push_back(std::move(info));
    return {};
}

Status PluginRegistry::load_directory(const std::filesystem::path& directory) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
        if (at->path().extension() == ".so") files.push_back(at->path());
    if (!error) {
        const std::filesystem::path canonical = std::filesystem::canonical(directory, error);
        if (!error) IMGSRV_TRY(check_plugin_directory(canonical));
    }
    if (error)
        return {Code::failed_precondition,
                "plugin directory " + directory.string() + " cannot be read: " + error.message()};
    std::ranges::sort(files);
    for (const auto& file : files) (void)load_file(file);
    return {};
}

Result<const LoadedComponent*> PluginRegistry::find(Kind kind, std::string_view name) const {
    std::vector<std::string> names;
    for (const auto& c : components_) {
        if (c->info.kind != kind) continue;
        if (c->info.name == name) return static_cast<const LoadedComponent*>(c.get());
        names.push_back(c->info.name);
    }
    std::string message = "there is no " + std::string(to_string(kind)) + " driver '" + std::string(name) + "'";
    if (const std::string meant = nearest(name, names); !meant.empty()) {
        message += "; did you mean '" + meant + "'?";
    } else if (names.empty()) {
        message += "; no plugin of that kind is loaded";
    } else {
        message += "; there is";
        for (const std::string& n : names) message += (n == names.front() ? " '" : ", '") + n + "'";
    }
    for (const RefusedFile& r : refused_) message += "; refused: " + std::string(r.reason.message());
    return Status(Code::not_found, std::move(message));
}

}  // namespace imgsrv::plugin
