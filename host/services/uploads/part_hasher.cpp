#include "core/log.h"
#include "services/storage_keys.h"
#include "services/uploads/hash_stream.h"
#include "services/uploads/running_hash.h"
#include "services/uploads/upload_service.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

Status UploadService::hash_backlog(const ports::Call& call, const std::string& id) {
    if (!objects_.can_open_part()) return {};
    const auto lane = lanes_.lane(id);
    while (!call.cancelled()) {
        if (lane->hash_wanted() || !lane->try_own_hash()) return {};  // whoever has it looks for more when done
        const HashOwner owner(lane);
        IMGSRV_ASSIGN(const bool moved, hash_next_part(call, id));
        if (!moved) return {};
    }
    return {};
}

Result<bool> UploadService::hash_next_part(const ports::Call& call, const std::string& id) {
    UploadSession session;
    std::optional<domain::UploadPart> part;
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(session, store::uploads::find(tx, id));
        IMGSRV_ASSIGN(part, store::uploads::find_part(tx, id, session.hashed_parts + 1));
        return {};
    }));
    if (session.state != UploadState::uploading || !part) return false;
    auto hash = running_hash(session);
    if (!hash.ok()) return false;  // another layout's state: promotion reads the bytes again

    auto reader =
        objects_.open_part(call, staging_key(id), session.storage_upload_id, {part->number, part->size, part->etag}, 0);
    if (reader.status().code() == Code::not_found) return false;  // replaced meanwhile
    IMGSRV_TRY(reader.status());
    IMGSRV_TRY(hash_stream(call, **reader, *hash));
    if (hash->length() != session.hashed_bytes + part->size) return false;
    return pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        // The part that was read must still be the one that counts.
        IMGSRV_ASSIGN(const auto current, store::uploads::find_part(tx, id, part->number));
        if (!current || current->etag != part->etag) return false;
        return store::uploads::advance_hash(tx, session, with_hash(session, part->number, *hash));
    });
}

}  // namespace imgsrv::services
