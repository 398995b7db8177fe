#pragma once

#include <chrono>
#include <string>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "services/housekeeping/store_identity.h"
#include "store/pool.h"

namespace imgsrv::services {

// How long a session that could not be promoted rests before the next attempt: the pause doubles with each one.
struct PromotionPauses {
    std::chrono::milliseconds first{5'000};
    std::chrono::milliseconds most{60'000};
};

// Turns completed upload sessions into trusted blobs: verifies the bytes, copies them to the blob's key, records the
// blob. Any number of threads and nodes may do so at once: each session is leased. [any]
class PromotionService {
  public:
    // owner: "<node>/<process>", unique for each run of a process. The others outlive this.
    PromotionService(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, PromotionPauses pauses,
                     std::string owner);

    enum class Outcome { idle, promoted, rejected, postponed };
    // Claims the oldest waiting session and brings it to its end.
    // idle: no session waits. promoted: it is ready. rejected: it failed, and the session says why.
    // postponed: the store is healthy but fails this session's bytes; other sessions may fare better.
    // A status that is not OK is trouble of the store or the database as a whole.
    // In the last two cases the session is handed back and tried again after its pause.
    // Missing bytes never fail a session when the store belongs to another database.
    Result<Outcome> run_one(const ports::Call& call);

  private:
    Result<Outcome> promote(const ports::Call& call, domain::UploadSession& session);
    void hand_back(const ports::Call& call, const domain::UploadSession& session);
    std::chrono::milliseconds pause_after(const domain::UploadSession& session) const;
    // postponed if the store is healthy and the database's own, else `why`.
    Result<Outcome> postpone(const ports::Call& call, const domain::UploadSession& session, Status why);
    // The digest of the staged object as hex; reads only what the running hash does not cover. data_loss: the bytes are
    // gone, or not as many as expected.
    Result<std::string> verify(const ports::Call& call, const domain::UploadSession& session);
    // For a blob that was trusted when the promotion began. False: it still is, and this upload adds no object. aborted
    // (retryable): it no longer is.
    static Result<bool> still_trusted(store::Transaction& tx, const domain::UploadSession& session);
    Status reject(const ports::Call& call, const domain::UploadSession& session, const std::string& why);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    StoreIdentity& identity_;
    const PromotionPauses pauses_;
    const std::string owner_;
};

}  // namespace imgsrv::services
