#pragma once

#include <filesystem>

#include "store/pool.h"

namespace imgsrv::store {

// Writes one state of a SQLite database, whole, into a file that does not exist yet, while others write on.
// unimplemented: another kind of database.
Status write_snapshot(Pool& pool, const ports::Call& call, const std::filesystem::path& file);
// Moves everything committed into the database's own file; the next write starts a new log.
Status fold_log(Pool& pool, const ports::Call& call);

// For a database restored from a snapshot: work in progress at snapshot time is cancelled. Incomplete uploads are
// aborted, because a backup has none of their parts; leases and holds end.
Status settle_restored(Transaction& tx, Time now);

}  // namespace imgsrv::store
