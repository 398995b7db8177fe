#include "app/backends/backends.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include "app/backends/driver_tables.h"
#include "app/backends/layout.h"
#include "core/log.h"

namespace imgsrv::app {
namespace {

// Gives an option of the embedded default its place under data-dir.
void place(plugin::OptionValues& options, const std::string& key, const std::filesystem::path& path) {
    options.try_emplace(key, plugin::OptionValue{path.string(), "data-dir"});
}

// What an operator has to have right, which is what a driver cannot do without.
std::string shown_place(const plugin::LoadedComponent& component, const plugin::OptionValues& options) {
    std::string text = "the store '" + component.info.name + "'";
    for (const auto& declared : component.info.options) {
        const auto given = options.find(declared.key);
        if (!declared.required || declared.secret || given == options.end()) continue;
        if (const auto* value = std::get_if<std::string>(&given->second.value))
            text += ", " + declared.key + " '" + *value + "'";
    }
    return text;
}

// An empty database must not take the place of one that is being restored.
Status refuse_half_restored(const config::Settings& settings) {
    const std::filesystem::path dir = settings.text("data-dir");
    std::error_code ec;
    if (std::filesystem::exists(dir / "imgsrv.db", ec) || !std::filesystem::exists(dir / kRestoringDatabase, ec))
        return {};
    return {Code::failed_precondition,
            "a restore into data-dir '" + dir.string() + "' was broken off; run 'imgsrv restore' again"};
}

}  // namespace

Status lock_data_dir(const config::Settings& settings, UniqueFd& lock, std::chrono::milliseconds patience) {
    if (lock) return {};
    const std::filesystem::path dir = settings.text("data-dir");
    std::error_code ec;
    std::filesystem::create_directories(dir, ec);
    if (ec)
        return {Code::unavailable, "data-dir '" + dir.string() + "' cannot be created: " + ec.message() +
                                       "; choose another one with --data-dir"};
    UniqueFd file(::open((dir / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file)
        return {Code::unavailable, "data-dir '" + dir.string() + "' is not writable: " + std::string(strerror(errno))};
    const auto until = std::chrono::steady_clock::now() + patience;
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (std::chrono::steady_clock::now() >= until)
            return {Code::failed_precondition, "data-dir '" + dir.string() + "' is in use by another imgsrv process"};
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    lock = std::move(file);
    return {};
}

Status load_plugins(const config::Settings& settings, plugin::PluginRegistry& registry) {
    std::vector<std::filesystem::path> folders = {find_layout().plugins};
    for (const auto& folder : settings.list("plugin-dir")) folders.emplace_back(folder);
    for (const auto& folder : folders) IMGSRV_TRY(registry.load_directory(folder));
    for (const auto& refused : registry.refused())
        log::warn("plugin refused", {{"file", refused.file.string()}, {"reason", refused.reason.message()}});
    return {};
}

Status load_drivers(const config::Settings& settings, plugin::PluginRegistry& registry) {
    IMGSRV_TRY(load_plugins(settings, registry));
    return check_driver_tables(settings, registry);
}

Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& b,
                     DataDir data_dir) {
    return open_database(settings, registry, settings.text("database.driver"), b, data_dir);
}

Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry,
                     const std::string& driver, Backends& b, DataDir data_dir) {
    auto options = driver_options(settings, "database", driver);
    if (driver == "sqlite" && !options.contains("path")) {
        IMGSRV_TRY(refuse_half_restored(settings));
        if (data_dir == DataDir::exclusive) IMGSRV_TRY(lock_data_dir(settings, b.data_lock));
        place(options, "path", std::filesystem::path(settings.text("data-dir")) / "imgsrv.db");
    }
    IMGSRV_ASSIGN(b.database,
                  plugin::create_database(registry, driver, "database", options, {nullptr, b.metrics, nullptr}));
    store::PoolOptions pool;
    pool.connections =
        static_cast<std::size_t>(std::clamp<std::int64_t>(settings.integer("database.connections"), 1, 1000));
    IMGSRV_ASSIGN(b.pool, store::Pool::open(*b.database, pool));
    return {};
}

Status open_sqlite_file(const plugin::PluginRegistry& registry, const std::filesystem::path& file, Backends& backends) {
    IMGSRV_ASSIGN(backends.database, plugin::create_database(registry, "sqlite", "backup",
                                                             {{"path", {file.string(), "this command"}}}, {}));
    IMGSRV_ASSIGN(backends.pool, store::Pool::open(*backends.database, store::PoolOptions()));
    return {};
}

Status open_object_store(const config::Settings& settings, const plugin::PluginRegistry& registry,
                         const std::string& driver, Backends& b, DataDir data_dir) {
    auto options = driver_options(settings, "storage", driver);
    if (driver == "fs" && !options.contains("root")) {
        if (data_dir == DataDir::exclusive) IMGSRV_TRY(lock_data_dir(settings, b.data_lock));
        const auto root = std::filesystem::path(settings.text("data-dir")) / "objects";
        std::error_code ec;
        std::filesystem::create_directories(root, ec);
        place(options, "root", root);
    }
    if (driver == "fs" && data_dir == DataDir::shared)
        options["read_only"] = plugin::OptionValue{"true", "this command"};
    IMGSRV_ASSIGN(const auto* component, registry.find(plugin::Kind::object_store, driver));
    b.objects_place = shown_place(*component, options);
    IMGSRV_ASSIGN(b.objects,
                  plugin::create_object_store(registry, driver, "storage", options, {nullptr, b.metrics, nullptr}));
    return {};
}

Status open_others(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& b) {
    b.tokens = std::make_unique<services::TokenRegistry>(*b.pool);
    b.rules = std::make_unique<services::RuleRegistry>(*b.pool);
    const plugin::HostContext context{b.tokens.get(), b.metrics, b.rules.get()};

    IMGSRV_TRY(open_object_store(settings, registry, settings.text("storage.driver"), b));

    for (const auto& driver : settings.list("auth.drivers")) {
        IMGSRV_ASSIGN(auto one, plugin::create_authenticator(registry, driver, driver,
                                                             driver_options(settings, "auth", driver), context));
        b.authenticators.push_back(std::move(one));
    }

    const auto non_blocking = settings.list("publish.non-blocking");
    for (const auto& name : settings.list("publish.steps")) {
        IMGSRV_ASSIGN(auto step, plugin::create_publish_step(registry, name, name,
                                                             driver_options(settings, "publish", name), context));
        const bool blocking = std::find(non_blocking.begin(), non_blocking.end(), name) == non_blocking.end();
        b.pipeline.push_back({name, blocking});
        b.steps[name] = std::move(step);
    }
    return {};
}

}  // namespace imgsrv::app
