#include "store/housekeeping/scrubbing.h"

#include "store/rows.h"

namespace imgsrv::store::scrubbing {

Result<std::optional<domain::Blob>> claim(Transaction& tx, std::string_view owner, Time now, Time before,
                                          Time lease_until, bool skip_locked) {
    std::optional<domain::Blob> claimed;
    const auto take = [&](std::string_view turn, Params params) {
        const std::string sql =
            "UPDATE blobs SET scrub_owner = $1, scrub_lease_us = $3 WHERE digest = (SELECT digest FROM blobs WHERE "
            "scrub_lease_us <= $2 AND " +
            std::string(turn) + " ORDER BY scrubbed_us, digest LIMIT 1" +
            (skip_locked ? " FOR UPDATE SKIP LOCKED" : "") + ") RETURNING digest, size, storage_key, damage";
        return tx.query(sql, params, [&](const ports::Row& row) {
            Columns c(row);
            claimed.emplace();
            claimed->digest = c.text();
            claimed->size = c.size();
            claimed->storage_key = c.text();
            claimed->damage = c.optional_text();
            return Status();
        });
    };
    // Two statements, so that an index finds the row: those never read come first.
    IMGSRV_TRY(take("scrubbed_us IS NULL", {owner, param(now), param(lease_until)}));
    if (!claimed) IMGSRV_TRY(take("scrubbed_us <= $4", {owner, param(now), param(lease_until), param(before)}));
    return claimed;
}

Status renew(Transaction& tx, std::string_view digest, std::string_view owner, Time lease_until) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE blobs SET scrub_lease_us = $3 WHERE digest = $1 AND scrub_owner = $2",
                          {digest, owner, param(lease_until)}));
    if (changed == 1) return {};
    return {Code::aborted, "blob " + std::string(digest) + " is gone, or read by another node"};
}

Status set_read(Transaction& tx, std::string_view digest, Time now) {
    return tx.exec("UPDATE blobs SET scrubbed_us = $2 WHERE digest = $1", {digest, param(now)}).status();
}

Status release(Transaction& tx, std::string_view digest, std::string_view owner, Time until) {
    return tx
        .exec("UPDATE blobs SET scrub_owner = NULL, scrub_lease_us = $3 WHERE digest = $1 AND scrub_owner = $2",
              {digest, owner, param(until)})
        .status();
}

Result<std::vector<std::string>> versions_with(Transaction& tx, std::string_view digest, std::uint32_t max) {
    return list_rows<std::string>(
        tx,
        "SELECT DISTINCT i.name, v.version FROM artifacts a JOIN versions v ON v.id = a.version_id JOIN images i ON "
        "i.id = v.image_id WHERE a.blob_digest = $1 OR a.id IN (SELECT t.artifact_id FROM attachments t WHERE "
        "t.blob_digest "
        "= $1) ORDER BY i.name, v.version LIMIT $2",
        {digest, param(max)},
        [](const ports::Row& row) { return std::string(row.text(0)) + " " + std::string(row.text(1)); });
}

}  // namespace imgsrv::store::scrubbing
