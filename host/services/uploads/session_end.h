#pragma once

#include <string_view>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

// How a session ends before promotion owns it. Each function ends it in one transaction and then removes what it has in
// staging. OK also if the session had left the states that may end so: look at it again to learn what became of it.
// Staging that cannot be emptied is logged and left to StagingSweeper. [any]

// created or uploading → `state`: failed or aborted. failure: why, for the client.
Status end_session(const ports::Call& call, store::Pool& pool, ports::ObjectStore& objects,
                   const domain::UploadSession& session, domain::UploadState state, std::string_view failure);
// created, uploading or completed → aborted.
Status abort_session(const ports::Call& call, store::Pool& pool, ports::ObjectStore& objects,
                     const domain::UploadSession& session);

}  // namespace imgsrv::services
