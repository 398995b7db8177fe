#include "store/housekeeping/snapshot.h"

namespace imgsrv::store {
namespace {

std::string quoted(const std::string& text) {
    std::string sql = "'";
    for (const char c : text) sql += c == '\'' ? std::string("''") : std::string(1, c);
    return sql + "'";
}

Status require_sqlite(const Pool& pool) {
    if (pool.dialect() == Dialect::sqlite) return {};
    return {Code::unimplemented, "only a SQLite database is copied by the program itself"};
}

}  // namespace

Status write_snapshot(Pool& pool, const ports::Call& call, const std::filesystem::path& file) {
    IMGSRV_TRY(require_sqlite(pool));
    return pool.with_connection(call, [&](ports::Connection& connection) {
        return connection.script(call, "VACUUM INTO " + quoted(file.string()));
    });
}

Status fold_log(Pool& pool, const ports::Call& call) {
    IMGSRV_TRY(require_sqlite(pool));
    return pool.with_connection(call, [&](ports::Connection& connection) {
        return connection.script(call, "PRAGMA wal_checkpoint(TRUNCATE)");
    });
}

Status settle_restored(Transaction& tx, Time now) {
    IMGSRV_TRY(tx.exec("UPDATE upload_sessions SET state = 'aborted', hash_state = NULL, updated_us = $1, "
                       "failure_message = 'the server was restored from a backup; upload again' WHERE state IN "
                       "('created', 'uploading')",
                       {param(now)})
                   .status());
    for (const std::string_view sql :
         {"UPDATE upload_sessions SET lease_expires_us = 0 WHERE state = 'ingesting'",
          "UPDATE publish_steps SET lease_expires_us = 0 WHERE state = 'running'",
          "UPDATE blobs SET scrub_owner = NULL, scrub_lease_us = 0 WHERE scrub_lease_us > 0",
          "DELETE FROM removal_holds"})
        IMGSRV_TRY(tx.exec(sql).status());
    return {};
}

}  // namespace imgsrv::store
