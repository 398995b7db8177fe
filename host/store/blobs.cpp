#include "store/blobs.h"

namespace imgsrv::store::blobs {

namespace {

domain::Blob read_blob(const ports::Row& row) {
    Columns c(row);
    domain::Blob blob;
    blob.digest = c.text();
    blob.size = c.size();
    blob.storage_key = c.text();
    blob.created = c.time();
    return blob;
}

}  // namespace

Result<domain::Blob> find(Transaction& tx, std::string_view digest) {
    domain::Blob blob;
    IMGSRV_ASSIGN(const bool found,
                  tx.query_one("SELECT digest, size, storage_key, created_us FROM blobs WHERE digest = $1", {digest},
                               [&](const ports::Row& row) {
                                   blob = read_blob(row);
                                   return Status();
                               }));
    if (!found) return Status(Code::not_found, "there is no blob " + std::string(digest));
    return blob;
}

Result<std::vector<domain::Blob>> list(Transaction& tx, std::string_view after, std::uint32_t max) {
    std::vector<domain::Blob> blobs;
    IMGSRV_TRY(
        tx.query("SELECT digest, size, storage_key, created_us FROM blobs WHERE digest > $1 ORDER BY digest LIMIT $2",
                 {after, param(max)}, [&](const ports::Row& row) {
                     blobs.push_back(read_blob(row));
                     return Status();
                 }));
    return blobs;
}

Result<bool> insert(Transaction& tx, const domain::Blob& blob) {
    // Looked for first: the trigger against INSERT OR REPLACE would speak before the conflict is passed over.
    IMGSRV_ASSIGN(const bool there, tx.query_one("SELECT 1 FROM blobs WHERE digest = $1", {blob.digest},
                                                 [](const ports::Row&) { return Status(); }));
    if (there) return false;
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec(
            "INSERT INTO blobs (digest, size, storage_key, created_us) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO "
            "NOTHING",
            {blob.digest, param(blob.size), blob.storage_key, param(blob.created)}));
    return changed == 1;
}

}  // namespace imgsrv::store::blobs
