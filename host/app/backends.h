#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/unique_fd.h"
#include "plugin/create.h"
#include "plugin/registry.h"
#include "services/access.h"
#include "services/step_runner.h"
#include "store/pool.h"

namespace imgsrv::app {

// Loads every plugin of the program's own folder and of plugin-dir. Refused files are logged; a driver that is
// configured and missing fails where it is created.
Status load_plugins(const config::Settings& settings, plugin::PluginRegistry& registry);

// The configured backends, created from their plugins in the order of their needs.
struct Backends {
    UniqueFd data_lock;  // held while the embedded database or object store is in use
    std::unique_ptr<ports::Database> database;
    std::unique_ptr<store::Pool> pool;
    std::unique_ptr<services::TokenRegistry> tokens;
    std::unique_ptr<ports::ObjectStore> objects;
    std::vector<std::unique_ptr<ports::Authenticator>> authenticators;
    services::StepSet steps;
    std::vector<domain::PipelineStep> pipeline;
};

// Only the database and its pool; for migrate and the like.
Status open_database(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends);
// The rest, once the database is up to date.
Status open_others(const config::Settings& settings, const plugin::PluginRegistry& registry, Backends& backends);

}  // namespace imgsrv::app
