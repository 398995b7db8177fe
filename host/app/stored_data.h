#pragma once

#include "app/backends.h"

namespace imgsrv::app {

// What a command works on: the configured database and object store, of a server that may be running.
struct StoredData {
    plugin::PluginRegistry registry;
    Backends backends;
    // False beside a running server that has a store of files for itself: the command reads objects only.
    bool objects_writable = false;
};

// failed_precondition: there is no database, or it has other migrations than the program knows.
Status open_stored_data(const config::Settings& settings, const ports::Call& call, StoredData& data);

}  // namespace imgsrv::app
