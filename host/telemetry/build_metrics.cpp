#include "telemetry/build_metrics.h"

namespace imgsrv::telemetry {

void collect_build(Families& families, std::string_view version, const plugin::PluginRegistry& plugins) {
    gauge("imgsrv_build_info", "The program's version; always 1.").add(1, {{"version", version}}).move_to(families);
    auto info = gauge("imgsrv_plugin_info", "Components of the loaded plugins; always 1.");
    for (const auto& plugin : plugins.plugins())
        for (const auto& component : plugin.components)
            info.add(1, {{"kind", plugin::to_string(component.kind)},
                         {"name", component.name},
                         {"version", plugin.version},
                         {"abi", plugin.abi}});
    info.move_to(families);
}

}  // namespace imgsrv::telemetry
