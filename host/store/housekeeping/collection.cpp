#include "store/housekeeping/collection.h"

#include "store/rows.h"

namespace imgsrv::store::collection {
namespace {

// Of the blob b, at the time $1.
#define REFERENCED                                                                                             \
    "(EXISTS (SELECT 1 FROM artifacts a WHERE a.blob_digest = b.digest) OR EXISTS (SELECT 1 FROM attachments " \
    "t WHERE t.blob_digest = b.digest) OR EXISTS (SELECT 1 FROM upload_sessions s WHERE s.expected_digest = "  \
    "b.digest AND (s.state IN ('created', 'uploading', 'completed', 'ingesting') OR (s.state = 'ready' AND "   \
    "s.expires_us > $1))))"

Result<Totals> totals(Transaction& tx, std::string_view sql, Params params) {
    Totals sums;
    IMGSRV_TRY(tx.query(sql, params, [&](const ports::Row& row) {
        Columns c(row);
        sums.blobs = c.size();
        sums.bytes = c.size();
        return Status();
    }));
    return sums;
}

}  // namespace

Result<std::vector<std::string>> unmarked(Transaction& tx, Time now, std::string_view after, std::uint32_t max) {
    return list_rows<std::string>(
        tx,
        "SELECT b.digest FROM blobs b WHERE b.digest > $2 AND b.unreferenced_us IS NULL AND NOT " REFERENCED
        " ORDER BY b.digest LIMIT $3",
        {param(now), after, param(max)}, [](const ports::Row& row) { return std::string(row.text(0)); });
}

Result<bool> mark(Transaction& tx, std::string_view digest, Time now) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE blobs AS b SET unreferenced_us = $1 WHERE b.digest = $2 AND b.unreferenced_us IS NULL "
                "AND NOT " REFERENCED,
                {param(now), digest}));
    return changed == 1;
}

Status unmark_referenced(Transaction& tx, Time now) {
    return tx
        .exec("UPDATE blobs AS b SET unreferenced_us = NULL WHERE b.unreferenced_us IS NOT NULL AND " REFERENCED,
              {param(now)})
        .status();
}

Result<std::vector<domain::Blob>> due(Transaction& tx, Time before, std::uint32_t max) {
    return list_rows<domain::Blob>(tx,
                                   "SELECT digest, size, storage_key FROM blobs WHERE unreferenced_us IS NOT NULL AND "
                                   "unreferenced_us <= $1 ORDER BY unreferenced_us, digest LIMIT $2",
                                   {param(before), param(max)}, [](const ports::Row& row) {
                                       Columns c(row);
                                       domain::Blob blob;
                                       blob.digest = c.text();
                                       blob.size = c.size();
                                       blob.storage_key = c.text();
                                       return blob;
                                   });
}

Result<bool> collect(Transaction& tx, const domain::Blob& blob, Time before, Time now) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("DELETE FROM blobs AS b WHERE b.digest = $2 AND b.storage_key = $3 AND b.unreferenced_us IS "
                          "NOT NULL AND b.unreferenced_us <= $4 AND NOT " REFERENCED,
                          {param(now), blob.digest, blob.storage_key, param(before)}));
    if (changed != 1) return false;
    IMGSRV_TRY(queue_removal(tx, blob.storage_key, blob.size, now));
    return true;
}

Result<bool> key_is_known(Transaction& tx, std::string_view key) {
    // blobs/sha256/ab/abcd….<session>; older keys have no session.
    const std::size_t slash = key.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
    const std::size_t dot = name.find('.');
    const std::string digest = "sha256:" + std::string(name.substr(0, dot));
    const std::string_view session = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    return tx.query_one(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM blobs WHERE storage_key = $1) OR EXISTS (SELECT 1 FROM object_removals "
        "WHERE storage_key = $1) OR EXISTS (SELECT 1 FROM upload_sessions WHERE (id = $2 OR ($2 = '' AND "
        "expected_digest = $3)) AND state IN ('created', 'uploading', 'completed', 'ingesting'))",
        {key, session, digest}, [](const ports::Row&) { return Status(); });
}

Status queue_removal(Transaction& tx, std::string_view key, std::uint64_t size, Time now) {
    return tx
        .exec(
            "INSERT INTO object_removals (storage_key, size, queued_us) VALUES ($1, $2, $3) ON CONFLICT (storage_key) "
            "DO NOTHING",
            {key, param(size), param(now)})
        .status();
}

Result<std::vector<Removal>> removals(Transaction& tx, Time now, std::string_view after, std::uint32_t max) {
    // A node of an older version, whose keys come from digests alone, may have reused the key for a blob.
    return list_rows<Removal>(
        tx,
        "SELECT r.storage_key, r.size, r.queued_us FROM object_removals r WHERE r.storage_key > $2 AND "
        "NOT EXISTS (SELECT 1 FROM removal_holds WHERE until_us > $1) AND NOT EXISTS (SELECT 1 FROM "
        "blobs b WHERE b.storage_key = r.storage_key) ORDER BY r.storage_key LIMIT $3",
        {param(now), after, param(max)}, [](const ports::Row& row) {
            Columns c(row);
            return Removal{c.text(), c.size(), c.time()};
        });
}

Status removal_done(Transaction& tx, std::string_view key) {
    return tx.exec("DELETE FROM object_removals WHERE storage_key = $1", {key}).status();
}

Status hold(Transaction& tx, std::string_view owner, Time until) {
    return tx
        .exec(
            "INSERT INTO removal_holds (owner, until_us) VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET until_us = "
            "excluded.until_us",
            {owner, param(until)})
        .status();
}

Result<bool> extend_hold(Transaction& tx, std::string_view owner, Time now, Time until) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE removal_holds SET until_us = $3 WHERE owner = $1 AND until_us > $2",
                          {owner, param(now), param(until)}));
    return changed == 1;
}

Status release(Transaction& tx, std::string_view owner) {
    return tx.exec("DELETE FROM removal_holds WHERE owner = $1", {owner}).status();
}

Result<std::string> holder(Transaction& tx, Time now) {
    std::string owner;
    IMGSRV_TRY(tx.query_one("SELECT owner FROM removal_holds WHERE until_us > $1 ORDER BY until_us DESC LIMIT 1",
                            {param(now)},
                            [&](const ports::Row& row) {
                                owner = row.text(0);
                                return Status();
                            })
                   .status());
    return owner;
}

Result<Totals> due_totals(Transaction& tx, Time now, Time before) {
    return totals(
        tx,
        "SELECT COUNT(*), COALESCE(CAST(SUM(b.size) AS BIGINT), 0) FROM blobs b WHERE b.unreferenced_us IS NOT "
        "NULL AND b.unreferenced_us <= $2 AND NOT " REFERENCED,
        {param(now), param(before)});
}

Result<Totals> unmarked_totals(Transaction& tx, Time now) {
    return totals(tx,
                  "SELECT COUNT(*), COALESCE(CAST(SUM(b.size) AS BIGINT), 0) FROM blobs b WHERE b.unreferenced_us IS "
                  "NULL AND NOT " REFERENCED,
                  {param(now)});
}

Result<Totals> removal_totals(Transaction& tx) {
    return totals(tx, "SELECT COUNT(*), COALESCE(CAST(SUM(size) AS BIGINT), 0) FROM object_removals", {});
}

Result<bool> begin_run(Transaction& tx, std::string_view task, Time now, std::chrono::microseconds interval) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("INSERT INTO maintenance_runs (task, started_us) VALUES ($1, $2) ON CONFLICT (task) DO UPDATE "
                "SET started_us = excluded.started_us WHERE maintenance_runs.started_us <= $3",
                {task, param(now), param(now - interval)}));
    return changed == 1;
}

}  // namespace imgsrv::store::collection
