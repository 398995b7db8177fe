#include "app/backends/driver_tables.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "core/nearest.h"

namespace imgsrv::app {
namespace {

plugin::Kind kind_of(std::string_view section) {
    if (section == "storage") return plugin::Kind::object_store;
    if (section == "database") return plugin::Kind::database;
    return section == "auth" ? plugin::Kind::auth : plugin::Kind::publish_step;
}

// A key is <section>.<driver>.<option>; drivers may have dots in their names.
struct DriverKey {
    plugin::Kind kind;
    std::string driver;
    std::string option;
    std::string table;  // all before the option, its dot included
};

// None: it is the host's own setting.
std::optional<DriverKey> parse_key(std::string_view key) {
    const auto section = key.find('.');
    const auto option = key.rfind('.');
    if (section == option) return std::nullopt;
    return DriverKey{kind_of(key.substr(0, section)), std::string(key.substr(section + 1, option - section - 1)),
                     std::string(key.substr(option + 1)), std::string(key.substr(0, option + 1))};
}

Status check_option(const plugin::PluginRegistry& registry, const DriverKey& key) {
    IMGSRV_ASSIGN(const auto* component, registry.find(key.kind, key.driver));
    const auto names = plugin::option_keys(component->info.options);
    if (std::ranges::find(names, key.option) != names.end()) return {};
    const std::string meant = nearest(key.option, names);
    return {Code::invalid_argument,
            meant.empty() ? "this driver has no such option" : "did you mean '" + key.table + meant + "'?"};
}

}  // namespace

Status check_driver_tables(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    for (const auto& [name, value] : settings.all()) {
        const auto key = parse_key(name);
        const Status known = key ? check_option(registry, *key) : Status();
        if (!known.ok())
            return {Code::invalid_argument,
                    value.origin + ": unknown setting '" + name + "'; " + std::string(known.message())};
    }
    return {};
}

bool may_be_secret(const plugin::PluginRegistry& registry, std::string_view name) {
    const auto key = parse_key(name);
    if (!key) return false;
    const auto component = registry.find(key->kind, key->driver);
    if (!component.ok()) return true;
    const auto& declared = (*component)->info.options;
    const auto option = std::ranges::find(declared, key->option, &plugin::OptionInfo::key);
    if (option != declared.end()) return option->secret;
    const auto names = plugin::option_keys(declared);
    return std::ranges::find(names, key->option) == names.end();
}

}  // namespace imgsrv::app
