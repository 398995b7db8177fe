#pragma once

#include "app/backends/backends.h"

namespace imgsrv::app {

// What a command works on: the configured database and object store, whose server may be running.
struct StoredData {
    plugin::PluginRegistry registry;
    Backends backends;
    // Whether objects can be removed: never beside a running server that holds the store for itself.
    bool objects_writable = false;
};

enum class ObjectAccess { read, write_if_free };

// data.registry has the drivers loaded. failed_precondition: there is no database, or it has other migrations than the
// program knows. With ObjectAccess::read, a server can start while the command runs.
Status open_stored_data(const config::Settings& settings, const ports::Call& call, ObjectAccess access,
                        StoredData& data);

}  // namespace imgsrv::app
