#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/unique_fd.h"
#include "plugin/create.h"
#include "plugin/registry.h"
#include "services/access/access_service.h"
#include "services/access/provisioning_service.h"
#include "services/access/rule_registry.h"
#include "services/access/token_registry.h"
#include "services/publishing/step_runner.h"
#include "store/pool.h"

namespace imgsrv::app {

// Loads every plugin of the program's own folder and of plugin-dir. Refused files are logged; a configured driver that
// is missing fails where it is created.
Status load_plugins(const config::Settings& settings, plugin::PluginRegistry& registry);
// Loads them, and checks the table of every driver, in use or not.
Status load_drivers(const config::Settings& settings, plugin::PluginRegistry& registry);

// The configured backends, in the order in which they are created.
struct Backends {
    plugin::MetricSink* metrics = nullptr;  // takes the plugins' metrics; set before they are created, outlives them
    UniqueFd data_lock;                     // held while data below data-dir is in use
    std::unique_ptr<ports::Database> database;
    std::unique_ptr<store::Pool> pool;
    std::unique_ptr<services::TokenRegistry> tokens;
    std::unique_ptr<services::RuleRegistry> rules;
    std::unique_ptr<ports::ObjectStore> objects;
    std::string objects_place;  // where they are, for people: "the store 's3', bucket 'images'"
    std::vector<std::unique_ptr<ports::Authenticator>> authenticators;
    services::StepSet steps;
    std::vector<domain::PipelineStep> pipeline;
};

// Whether this process has data-dir to itself, or works beside the server that has it.
enum class DataDir { exclusive, shared };

// Where a restore puts together a database before it takes its place. A server refuses to start while it is there
// without the database.
std::filesystem::path restoring_place(const std::filesystem::path& database);

// How long a server waits for a command that holds data-dir for a moment.
inline constexpr std::chrono::seconds kDataDirPatience{3};
// Creates data-dir and keeps other processes from using it until the lock is closed. failed_precondition when another
// one still uses it after `patience`.
Status lock_data_dir(const config::Settings& settings, UniqueFd& lock,
                     std::chrono::milliseconds patience = kDataDirPatience);

// Only the database and its pool.
Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends,
                     DataDir data_dir = DataDir::exclusive);
// The same for any driver, configured as database.driver or not.
Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry,
                     const std::string& driver, Backends& backends, DataDir data_dir);
// An object store of any driver, configured as storage.driver or not. With DataDir::shared a driver with local data
// opens it to read only, where it can.
Status open_object_store(const config::Settings& settings, const plugin::PluginRegistry& registry,
                         const std::string& driver, Backends& backends, DataDir data_dir = DataDir::exclusive);
// The rest, once the database is migrated. check_configuration() has accepted the pipeline.
Status open_others(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends);

}  // namespace imgsrv::app
