#include "app/driver_tables.h"

#include <algorithm>

#include "core/nearest.h"

namespace imgsrv::app {
namespace {

plugin::Kind kind_of(std::string_view section) {
    if (section == "storage") return plugin::Kind::object_store;
    if (section == "database") return plugin::Kind::database;
    return section == "auth" ? plugin::Kind::auth : plugin::Kind::publish_step;
}

std::vector<std::string> options_of(const plugin::LoadedComponent& component) {
    std::vector<std::string> names;
    for (const auto& option : component.info.options) {
        names.push_back(option.key);
        if (option.secret) names.push_back(option.key + "_file");
    }
    return names;
}

Status check_option(const plugin::PluginRegistry& registry, const std::string& key) {
    const auto section = key.find('.');
    const auto option = key.rfind('.');
    const std::string name = key.substr(option + 1);
    IMGSRV_ASSIGN(const auto* component, registry.find(kind_of(std::string_view(key).substr(0, section)),
                                                       key.substr(section + 1, option - section - 1)));
    const auto names = options_of(*component);
    if (std::find(names.begin(), names.end(), name) != names.end()) return {};
    const std::string meant = nearest(name, names);
    if (meant.empty()) return {Code::invalid_argument, "this driver has no such option"};
    return {Code::invalid_argument, "did you mean '" + key.substr(0, option + 1) + meant + "'?"};
}

}  // namespace

Status check_driver_tables(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    for (const auto& [key, value] : settings.all()) {
        if (std::count(key.begin(), key.end(), '.') < 2) continue;  // the host's own
        const Status known = check_option(registry, key);
        if (!known.ok())
            return {Code::invalid_argument,
                    value.origin + ": unknown setting '" + key + "'; " + std::string(known.message())};
    }
    return {};
}

}  // namespace imgsrv::app
