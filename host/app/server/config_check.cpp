#include "app/server/config_check.h"

#include <set>
#include <string>

#include "app/backends/configured_driver.h"
#include "app/server/monitoring.h"
#include "http/listener.h"
#include "http/tls_context.h"
#include "plugin/options.h"

namespace imgsrv::app {
namespace {

Result<const plugin::LoadedComponent*> check_driver(const config::Settings& settings,
                                                    const plugin::PluginRegistry& registry, plugin::Kind kind,
                                                    const std::string& name) {
    IMGSRV_ASSIGN(const auto driver, configure_driver(settings, registry, kind, name));
    const auto checked = plugin::check_options(driver.component->info.options, driver.options);
    if (!checked.ok()) return Status(checked.status()).with_context("[" + section_of(kind) + "." + name + "]");
    return driver.component;
}

Status check_pipeline(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    const auto names = settings.list("publish.non-blocking");
    const std::set<std::string> non_blocking(names.begin(), names.end());
    std::set<std::string> seen;
    bool finalizer = false;
    for (const auto& name : settings.list("publish.steps")) {
        if (!seen.insert(name).second) return {Code::invalid_argument, "publish.steps names '" + name + "' twice"};
        IMGSRV_ASSIGN(const auto* step, check_driver(settings, registry, plugin::Kind::publish_step, name));
        finalizer = finalizer || (step->info.finalizer && !non_blocking.contains(name));
    }
    if (finalizer) return {};
    return {Code::invalid_argument,
            "publish.steps has no blocking step that publishes (a finalizer); add \"finalize_publish\""};
}

Status check_listeners(const config::Settings& settings) {
    for (const char* key : {"listen", "tls-listen", "metrics-listen"}) {
        if (settings.text(key).empty()) continue;
        Status form = http::check_address(settings.text(key));
        if (!form.ok()) return std::move(form).with_context(key);
    }
    IMGSRV_TRY(check_metrics_path(settings));
    const bool tls = !settings.text("tls-listen").empty();
    if (!tls && settings.text("listen").empty())
        return {Code::invalid_argument, "neither listen nor tls-listen is set"};
    if (!tls) return {};
    const std::string& certificate = settings.text("tls-certificate");
    const std::string& key = settings.text("tls-key");
    if (certificate.empty() || key.empty())
        return {Code::invalid_argument, "tls-listen needs tls-certificate and tls-key"};
    return http::load_tls_context(certificate, key).status();
}

}  // namespace

Status check_configuration(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    const auto check = [&](plugin::Kind kind, const std::string& driver) {
        return check_driver(settings, registry, kind, driver).status();
    };
    IMGSRV_TRY(check(plugin::Kind::database, settings.text("database.driver")));
    IMGSRV_TRY(check(plugin::Kind::object_store, settings.text("storage.driver")));
    for (const auto& driver : settings.list("auth.drivers")) IMGSRV_TRY(check(plugin::Kind::auth, driver));
    IMGSRV_TRY(check_pipeline(settings, registry));
    return check_listeners(settings);
}

}  // namespace imgsrv::app
