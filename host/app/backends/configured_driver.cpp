#include "app/backends/configured_driver.h"

namespace imgsrv::app {

std::string section_of(plugin::Kind kind) {
    switch (kind) {
        case plugin::Kind::object_store:
            return "storage";
        case plugin::Kind::database:
            return "database";
        case plugin::Kind::auth:
            return "auth";
        case plugin::Kind::publish_step:
            return "publish";
    }
    return "";
}

std::string ConfiguredDriver::setting(const std::string& option) const {
    return section_of(component->info.kind) + "." + name() + "." + option;
}

Result<ConfiguredDriver> configure_driver(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                          plugin::Kind kind, const std::string& name) {
    ConfiguredDriver driver;
    IMGSRV_ASSIGN(driver.component, registry.find(kind, name));
    for (const auto& [key, value] : settings.driver_options(section_of(kind), name))
        driver.options[key] = {value.value, value.origin};
    IMGSRV_ASSIGN(driver.local, plugin::local_data_of(*driver.component));
    if (!driver.local) return driver;
    const auto [option, fresh] = driver.options.try_emplace(driver.local->place_option);
    driver.in_data_dir = fresh;
    if (fresh) {
        driver.place = std::filesystem::path(settings.text("data-dir")) / driver.local->default_name;
        option->second = {driver.place.string(), "data-dir"};
    } else if (const auto* place = std::get_if<std::string>(&option->second.value)) {
        driver.place = *place;
    }
    return driver;
}

}  // namespace imgsrv::app
