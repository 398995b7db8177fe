#include "store/catalogue/blobs.h"

#include "store/housekeeping/collection.h"
#include "store/rows.h"

namespace imgsrv::store::blobs {

namespace {

#define BLOB_COLUMNS "digest, size, storage_key, created_us, damage"

domain::Blob read_blob(const ports::Row& row) {
    Columns c(row);
    domain::Blob blob;
    blob.digest = c.text();
    blob.size = c.size();
    blob.storage_key = c.text();
    blob.created = c.time();
    blob.damage = c.optional_text();
    return blob;
}

}  // namespace

Result<domain::Blob> find(Transaction& tx, std::string_view digest) {
    domain::Blob blob;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " BLOB_COLUMNS " FROM blobs WHERE digest = $1", {digest},
                                                 [&](const ports::Row& row) {
                                                     blob = read_blob(row);
                                                     return Status();
                                                 }));
    if (!found) return Status(Code::not_found, "there is no blob " + std::string(digest));
    return blob;
}

Result<std::vector<domain::Blob>> list(Transaction& tx, std::string_view after, std::uint32_t max) {
    return list_rows<domain::Blob>(tx, "SELECT " BLOB_COLUMNS " FROM blobs WHERE digest > $1 ORDER BY digest LIMIT $2",
                                   {after, param(max)}, read_blob);
}

Result<bool> insert(Transaction& tx, const domain::Blob& blob) {
    // Checked first, because the trigger against INSERT OR REPLACE fires before ON CONFLICT applies.
    IMGSRV_ASSIGN(const bool there, tx.query_one("SELECT 1 FROM blobs WHERE digest = $1", {blob.digest},
                                                 [](const ports::Row&) { return Status(); }));
    if (there) return false;
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("INSERT INTO blobs (digest, size, storage_key, created_us, scrubbed_us) VALUES ($1, $2, $3, "
                          "$4, $4) ON CONFLICT (digest) DO NOTHING",
                          {blob.digest, param(blob.size), blob.storage_key, param(blob.created)}));
    return changed == 1;
}

Result<bool> set_damaged(Transaction& tx, std::string_view digest, std::string_view storage_key,
                         std::string_view damage, Time now) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE blobs SET damaged_us = $4, damage = $3, scrubbed_us = $4 WHERE digest = $1 AND "
                          "storage_key = $2 AND damaged_us IS NULL",
                          {digest, storage_key, damage, param(now)}));
    return changed == 1;
}

Status set_sound(Transaction& tx, std::string_view digest, std::string_view storage_key, Time now) {
    return tx
        .exec(
            "UPDATE blobs SET damaged_us = NULL, damage = NULL, scrubbed_us = $3 WHERE digest = $1 AND storage_key = "
            "$2",
            {digest, storage_key, param(now)})
        .status();
}

Result<bool> heal(Transaction& tx, const domain::Blob& blob, Time now) {
    IMGSRV_ASSIGN(const auto old, find(tx, blob.digest));
    if (!old.damage || old.size != blob.size || old.storage_key == blob.storage_key) return false;
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE blobs SET storage_key = $2, damaged_us = NULL, damage = NULL, scrubbed_us = $3 WHERE "
                          "digest = $1 AND damaged_us IS NOT NULL",
                          {blob.digest, blob.storage_key, param(now)}));
    if (changed != 1) return false;
    IMGSRV_TRY(collection::queue_removal(tx, old.storage_key, old.size, now));
    return true;
}

}  // namespace imgsrv::store::blobs
