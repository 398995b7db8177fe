#include "app/backends/backends.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include "app/backends/configured_driver.h"
#include "app/backends/driver_tables.h"
#include "app/backends/layout.h"
#include "core/log.h"

namespace imgsrv::app {
namespace {

// For the operator: the store's driver and what it requires, such as its endpoint and bucket.
std::string shown_place(const ConfiguredDriver& driver) {
    std::string text = "the store '" + driver.name() + "'";
    for (const auto& declared : driver.component->info.options) {
        const auto given = driver.options.find(declared.key);
        if (!declared.required || declared.secret || given == driver.options.end()) continue;
        if (const auto* value = std::get_if<std::string>(&given->second.value))
            text += ", " + declared.key + " '" + *value + "'";
    }
    return text;
}

// An empty database must not take the place of one that is being restored.
Status refuse_half_restored(const std::filesystem::path& database) {
    std::error_code ec;
    if (std::filesystem::exists(database, ec) || !std::filesystem::exists(restoring_place(database), ec)) return {};
    return {Code::failed_precondition, "a restore into data-dir '" + database.parent_path().string() +
                                           "' was interrupted; run 'imgsrv restore' again"};
}

}  // namespace

std::filesystem::path restoring_place(const std::filesystem::path& database) {
    return database.string() + ".restoring";
}

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
    IMGSRV_ASSIGN(const auto configured, configure_driver(settings, registry, plugin::Kind::database, driver));
    if (configured.in_data_dir) {
        IMGSRV_TRY(refuse_half_restored(configured.place));
        if (data_dir == DataDir::exclusive) IMGSRV_TRY(lock_data_dir(settings, b.data_lock));
    }
    IMGSRV_ASSIGN(b.database, plugin::create_database(registry, driver, "database", configured.options,
                                                      {nullptr, b.metrics, nullptr}));
    store::PoolOptions pool;
    pool.connections =
        static_cast<std::size_t>(std::clamp<std::int64_t>(settings.integer("database.connections"), 1, 1000));
    IMGSRV_ASSIGN(b.pool, store::Pool::open(*b.database, pool));
    return {};
}

Status open_object_store(const config::Settings& settings, const plugin::PluginRegistry& registry,
                         const std::string& driver, Backends& b, DataDir data_dir) {
    IMGSRV_ASSIGN(auto configured, configure_driver(settings, registry, plugin::Kind::object_store, driver));
    if (configured.in_data_dir && data_dir == DataDir::exclusive) {
        IMGSRV_TRY(lock_data_dir(settings, b.data_lock));
        std::error_code ec;
        if (configured.local->folder) std::filesystem::create_directories(configured.place, ec);
    }
    if (configured.local && data_dir == DataDir::shared && !configured.local->read_only_option.empty())
        configured.options[configured.local->read_only_option] = {"true", "this command"};
    b.objects_place = shown_place(configured);
    IMGSRV_ASSIGN(b.objects, plugin::create_object_store(registry, driver, "storage", configured.options,
                                                         {nullptr, b.metrics, nullptr}));
    return {};
}

Status open_others(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& b) {
    b.tokens = std::make_unique<services::TokenRegistry>(*b.pool);
    b.rules = std::make_unique<services::RuleRegistry>(*b.pool);
    const plugin::HostContext context{b.tokens.get(), b.metrics, b.rules.get()};

    IMGSRV_TRY(open_object_store(settings, registry, settings.text("storage.driver"), b));

    for (const auto& driver : settings.list("auth.drivers")) {
        IMGSRV_ASSIGN(const auto configured, configure_driver(settings, registry, plugin::Kind::auth, driver));
        IMGSRV_ASSIGN(auto one, plugin::create_authenticator(registry, driver, driver, configured.options, context));
        b.authenticators.push_back(std::move(one));
    }

    const auto non_blocking = settings.list("publish.non-blocking");
    for (const auto& name : settings.list("publish.steps")) {
        IMGSRV_ASSIGN(const auto configured, configure_driver(settings, registry, plugin::Kind::publish_step, name));
        IMGSRV_ASSIGN(auto step, plugin::create_publish_step(registry, name, name, configured.options, context));
        const bool blocking = std::find(non_blocking.begin(), non_blocking.end(), name) == non_blocking.end();
        b.pipeline.push_back({name, blocking});
        b.steps[name] = std::move(step);
    }
    return {};
}

}  // namespace imgsrv::app
