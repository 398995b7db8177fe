#include "services/uploads/part_hasher.h"

#include "services/storage_keys.h"
#include "services/uploads/hash_stream.h"
#include "services/uploads/running_hash.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

PartHasher::PartHasher(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight)
    : pool_(pool), objects_(objects), in_flight_(in_flight) {}

Status PartHasher::hash_backlog(const ports::Call& call, const std::string& session_id) {
    if (!objects_.can_open_part()) return {};
    const auto in_flight = in_flight_.session(session_id);
    while (!call.cancelled()) {
        // The other owner announces what it leaves behind: each accepted part is.
        if (in_flight->hash_wanted() || !in_flight->try_own_hash()) return {};
        const HashOwner owner(in_flight);
        IMGSRV_ASSIGN(const bool moved, hash_next_part(call, session_id));
        if (!moved) return {};
    }
    return {};
}

Result<bool> PartHasher::hash_next_part(const ports::Call& call, const std::string& session_id) {
    UploadSession session;
    std::optional<domain::UploadPart> part;
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(session, store::uploads::find(tx, session_id));
        IMGSRV_ASSIGN(part, store::uploads::find_part(tx, session_id, session.hashed_parts + 1));
        return {};
    }));
    if (session.state != UploadState::uploading || !part) return false;
    auto hash = running_hash(session);
    if (!hash.ok()) return false;  // saved by a program with another layout: promotion reads the bytes again

    auto reader = objects_.open_part(call, staging_key(session_id), session.storage_upload_id,
                                     {part->number, part->size, part->etag}, 0);
    if (reader.status().code() == Code::not_found) return false;  // replaced or completed in the meantime
    IMGSRV_TRY(reader.status());
    IMGSRV_TRY(hash_stream(call, **reader, *hash));
    if (hash->length() != session.hashed_bytes + part->size) return false;
    return pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        // The part that was read must still be the one that counts.
        IMGSRV_ASSIGN(const auto current, store::uploads::find_part(tx, session_id, part->number));
        if (!current || current->etag != part->etag) return false;
        return store::uploads::advance_hash(tx, session, with_hash(session, part->number, *hash));
    });
}

}  // namespace imgsrv::services
