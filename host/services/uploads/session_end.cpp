#include "services/uploads/session_end.h"

#include "core/log.h"
#include "services/storage_keys.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {
namespace {

Status remove_staged(const ports::Call& call, ports::ObjectStore& objects, const domain::UploadSession& session) {
    const std::string key = staging_key(session.id);
    if (!session.storage_upload_id.empty()) IMGSRV_TRY(objects.multipart_abort(call, key, session.storage_upload_id));
    return objects.remove(call, key);
}

// The sweeper does it again if this process dies first.
void empty_staging(const ports::Call& call, ports::ObjectStore& objects, const domain::UploadSession& session) {
    const Status removed = remove_staged(call, objects, session);
    if (!removed.ok())
        log::warn("staging is not empty yet", {{"upload_id", session.id}, {"error", removed.describe()}});
}

}  // namespace

Status end_session(const ports::Call& call, store::Pool& pool, ports::ObjectStore& objects,
                   const domain::UploadSession& session, domain::UploadState state, std::string_view failure) {
    IMGSRV_ASSIGN(const bool ended, pool.write(call, [&](store::Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::end(tx, session.id, state, failure, now);
    }));
    if (ended) empty_staging(call, objects, session);
    return {};
}

Status abort_session(const ports::Call& call, store::Pool& pool, ports::ObjectStore& objects,
                     const domain::UploadSession& session) {
    IMGSRV_ASSIGN(const bool ended, pool.write(call, [&](store::Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::abort(tx, session.id, now);
    }));
    if (ended) empty_staging(call, objects, session);
    return {};
}

}  // namespace imgsrv::services
