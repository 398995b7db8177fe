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

// Loads every plugin of the program's own folder and of plugin-dir. Refused files are logged; a driver that is
// configured and missing fails where it is created.
Status load_plugins(const config::Settings& settings, plugin::PluginRegistry& registry);
// The same for what is to work with them: the table of every driver, in use or not, is checked as well.
Status load_drivers(const config::Settings& settings, plugin::PluginRegistry& registry);

// The configured backends, created from their plugins in the order of their needs.
struct Backends {
    plugin::MetricSink* metrics = nullptr;  // where plugins count; set before they are created, and outlives them
    UniqueFd data_lock;                     // held while the embedded database or object store is in use
    std::unique_ptr<ports::Database> database;
    std::unique_ptr<store::Pool> pool;
    std::unique_ptr<services::TokenRegistry> tokens;
    std::unique_ptr<services::RuleRegistry> rules;
    std::unique_ptr<ports::ObjectStore> objects;
    std::string objects_place;  // where that is as configured, for people: "s3, bucket images, …"
    std::vector<std::unique_ptr<ports::Authenticator>> authenticators;
    services::StepSet steps;
    std::vector<domain::PipelineStep> pipeline;
};

// Whether what lies in data-dir is taken for this process alone, or read beside the server that has it.
enum class DataDir { exclusive, shared };

// Beside data-dir's database: the one that a restore is putting together. A server does not start with it.
inline constexpr const char* kRestoringDatabase = "imgsrv.db.restoring";

// How long a server waits for a command that has data-dir for a moment.
inline constexpr std::chrono::seconds kDataDirPatience{3};
// Creates data-dir and makes sure that no other process uses it, until the lock is closed. failed_precondition when one
// still does after so long.
Status lock_data_dir(const config::Settings& settings, UniqueFd& lock,
                     std::chrono::milliseconds patience = kDataDirPatience);

// Only the database and its pool; for migrate and the like.
Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends,
                     DataDir data_dir = DataDir::exclusive);
// The same by the driver's name, which need not be the configured one.
Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry,
                     const std::string& driver, Backends& backends, DataDir data_dir);
// A SQLite database by its file.
Status open_sqlite_file(const plugin::PluginRegistry& registry, const std::filesystem::path& file, Backends& backends);
// One object store by its driver's name, which need not be the configured one. With DataDir::shared a store of files is
// opened to be read only.
Status open_object_store(const config::Settings& settings, const plugin::PluginRegistry& registry,
                         const std::string& driver, Backends& backends, DataDir data_dir = DataDir::exclusive);
// The rest, once the database is up to date. check_configuration() has found the pipeline sound.
Status open_others(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends);

}  // namespace imgsrv::app
