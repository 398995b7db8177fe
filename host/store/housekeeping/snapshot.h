#pragma once

#include <filesystem>

#include "store/pool.h"

namespace imgsrv::store {

// Writes one state of a SQLite database, whole, into a file that does not exist yet, while others write on.
// unimplemented: another kind of database.
Status write_snapshot(Pool& pool, const ports::Call& call, const std::filesystem::path& file);
// Everything committed is in the database's own file from here on, until somebody writes again.
Status fold_log(Pool& pool, const ports::Call& call);

// After a snapshot took the place of the database: what was going on when it was made goes on no more. Uploads that
// were not complete are aborted, for their parts are not in a backup; leases and holds end.
Status settle_restored(Transaction& tx, Time now);

}  // namespace imgsrv::store
