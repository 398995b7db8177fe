#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

#include "app/backends/backends.h"
#include "app/backends/driver_tables.h"
#include "app/backends/layout.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/settings_flags.h"
#include "app/server/config_check.h"
#include "core/log.h"
#include "core/redaction.h"
#include "core/time.h"
#include "plugin/local_data.h"
#include "store/migrations.h"

namespace imgsrv::app {
namespace {

// Adds a subcommand that works on the server's settings and reports an error in one sentence.
void add(CLI::App& app, const std::string& name, const std::string& help, int& exit_code,
         const std::function<Status(const config::Settings&)>& work) {
    auto* command = app.add_subcommand(name, help);
    auto flags = std::make_shared<SettingsFlags>(*command);
    command->callback([flags, &exit_code, work] {
        log::set_level(log::Level::error);
        auto settings = flags->load();
        exit_code = end_with(settings.ok() ? work(*settings) : settings.status());
    });
}

// Even a setting that is no secret may contain one: the password in an endpoint's URL.
std::string shown(const config::Value& value) {
    std::string shown;
    if (const auto* text = std::get_if<std::string>(&value.value)) {
        shown = "\"" + *text + "\"";
    } else {
        for (const auto& one : std::get<std::vector<std::string>>(value.value))
            shown += (shown.empty() ? "\"" : ", \"") + one + "\"";
        shown = "[" + shown + "]";
    }
    redact(shown);
    return shown;
}

// Where a component keeps its data, if that is on this machine.
void print_local_data(const plugin::LocalData& data) {
    std::printf("    data: data-dir/%s, or where %s says%s%s\n", data.default_name.c_str(), data.place_option.c_str(),
                data.one_process ? "; of one process at a time" : "",
                data.snapshot ? "; 'imgsrv backup' copies it" : "");
}

Status print_details(const plugin::PluginRegistry& registry, const plugin::ComponentInfo& component) {
    for (const auto& o : component.options) {
        std::string notes(plugin::to_string(o.type));
        if (o.required) notes += ", required";
        if (o.secret) notes += ", secret: also as " + o.key + "_file";
        if (o.has_default) notes += ", default " + o.default_text;
        std::printf("    %-20s %s (%s)\n", o.key.c_str(), o.help.c_str(), notes.c_str());
    }
    IMGSRV_ASSIGN(const auto* loaded, registry.find(component.kind, component.name));
    IMGSRV_ASSIGN(const auto local, plugin::local_data_of(*loaded));
    if (local) print_local_data(*local);
    return {};
}

Status print_plugin(const plugin::PluginRegistry& registry, const plugin::PluginInfo& p, bool details) {
    std::printf("%s %s (abi %s, %s, %s)\n  %s\n", p.id.c_str(), p.version.c_str(), p.abi.c_str(), p.vendor.c_str(),
                p.license.c_str(), p.file.c_str());
    for (const auto& c : p.components) {
        std::printf("  %-13s %s%s\n", std::string(plugin::to_string(c.kind)).c_str(), c.name.c_str(),
                    c.finalizer ? "  (publishes)" : "");
        if (details) IMGSRV_TRY(print_details(registry, c));
    }
    for (const auto& sentence : p.skipped) std::printf("  skipped: %s\n", sentence.c_str());
    return {};
}

Status list_plugins(const config::Settings& settings, bool details) {
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_plugins(settings, registry));
    for (const auto& p : registry.plugins()) IMGSRV_TRY(print_plugin(registry, p, details));
    for (const auto& r : registry.refused())
        std::printf("refused: %s\n  %s\n", r.file.c_str(), std::string(r.reason.message()).c_str());
    return {};
}

Status migration_status(const config::Settings& settings, bool apply) {
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    Backends backends;
    IMGSRV_TRY(open_database(settings, registry, backends));
    const ports::Call call{"migrate", std::nullopt, nullptr};
    IMGSRV_ASSIGN(const auto known, store::load_migrations(find_layout().migrations, backends.pool->dialect()));
    if (apply) IMGSRV_TRY(store::migrate(*backends.pool, call, known).status());
    IMGSRV_ASSIGN(const auto applied, store::applied_migrations(*backends.pool, call));
    for (const auto& migration : known) {
        std::string when = "pending";
        for (const auto& a : applied)
            if (a.number == migration.number) when = "applied " + format_rfc3339(a.applied);
        std::printf("%04d %-30s %s\n", migration.number, migration.name.c_str(), when.c_str());
    }
    return {};
}

Status show_settings(const config::Settings& settings) {
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_plugins(settings, registry));
    for (const auto& [key, value] : settings.all()) {
        const std::string text = may_be_secret(registry, key) ? "[REDACTED]" : shown(value);
        std::printf("%s = %s  # %s\n", key.c_str(), text.c_str(), value.origin.c_str());
    }
    return {};
}

Status check_settings(const config::Settings& settings) {
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    IMGSRV_TRY(check_configuration(settings, registry));
    std::printf("the configuration is valid\n");
    return {};
}

}  // namespace

void add_plugins_command(CLI::App& app, int& exit_code) {
    auto* plugins = app.add_subcommand("plugins", "Inspect plugins")->require_subcommand(1);
    add(*plugins, "list", "List the plugins that the server would load, and those that it refuses", exit_code,
        [](const config::Settings& s) { return list_plugins(s, false); });
    add(*plugins, "docs", "List the plugins with all their options", exit_code,
        [](const config::Settings& s) { return list_plugins(s, true); });
    auto* check = plugins->add_subcommand("check", "Check whether this server can load a file as a plugin");
    auto file = std::make_shared<std::string>();
    check->add_option("FILE", *file, "the shared object")->required();
    check->callback([file, &exit_code] {
        plugin::PluginRegistry registry;
        Status status = registry.load_file(*file);
        if (status.ok()) status = print_plugin(registry, registry.plugins().front(), true);
        exit_code = end_with(status);
    });
}

void add_migrate_command(CLI::App& app, int& exit_code) {
    auto* migrate = app.add_subcommand("migrate", "Inspect or apply database migrations")->require_subcommand(1);
    add(*migrate, "status", "Show which migrations the database has", exit_code,
        [](const config::Settings& s) { return migration_status(s, false); });
    add(*migrate, "up", "Apply the pending migrations", exit_code,
        [](const config::Settings& s) { return migration_status(s, true); });
}

void add_config_command(CLI::App& app, int& exit_code) {
    auto* config = app.add_subcommand("config", "Inspect the configuration")->require_subcommand(1);
    add(*config, "check", "Check whether the configuration is valid, drivers' options included", exit_code,
        check_settings);
    add(*config, "show", "Show every setting with its origin; secrets are hidden", exit_code, show_settings);
}

}  // namespace imgsrv::app
