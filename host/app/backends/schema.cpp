#include "app/backends/schema.h"

#include "app/backends/layout.h"

namespace imgsrv::app {

Result<std::vector<store::Migration>> known_migrations(const Backends& backends) {
    return store::load_migrations(find_layout().migrations, backends.pool->dialect());
}

Status require_current_schema(const Backends& backends, const ports::Call& call) {
    IMGSRV_ASSIGN(const auto known, known_migrations(backends));
    IMGSRV_ASSIGN(const auto applied, store::applied_migrations(*backends.pool, call));
    if (applied.size() == known.size()) return {};
    return {Code::failed_precondition, "the database has " + std::to_string(applied.size()) +
                                           " migrations and this program knows " + std::to_string(known.size()) +
                                           ": start the server of this version once, or run 'imgsrv migrate up'"};
}

}  // namespace imgsrv::app
