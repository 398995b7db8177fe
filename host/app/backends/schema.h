#pragma once

#include <vector>

#include "app/backends/backends.h"
#include "store/migrations.h"

namespace imgsrv::app {

// The migrations that came with the program, for the database that is open.
Result<std::vector<store::Migration>> known_migrations(const Backends& backends);

// For commands that work on a server's rows. failed_precondition: the database has other migrations than the program.
Status require_current_schema(const Backends& backends, const ports::Call& call);

}  // namespace imgsrv::app
