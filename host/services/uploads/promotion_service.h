#pragma once

#include <chrono>
#include <string>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "services/housekeeping/store_identity.h"
#include "store/pool.h"

namespace imgsrv::services {

// How long a session rests that could not be promoted: doubling with each attempt.
struct PromotionPauses {
    std::chrono::milliseconds first{5'000};
    std::chrono::milliseconds most{60'000};
};

// Turns completed upload sessions into trusted blobs: verify, put at the blob's place, record.
class PromotionService {
  public:
    // owner: "<node>/<process>", unique for each run of a process.
    PromotionService(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, PromotionPauses pauses,
                     std::string owner);

    enum class Outcome { idle, promoted, rejected, postponed };
    // Claims the oldest waiting session and brings it to its end: ready, or failed with what was wrong. Postponed: the
    // store, which is well, does not do with this session's bytes what it should; nothing is known of other sessions. A
    // status that is not OK is the store's or the database's trouble. In both cases the session was handed back, and is
    // tried again after its pause. No session fails for bytes that a store lacks which is not the database's.
    Result<Outcome> run_one(const ports::Call& call);

  private:
    Result<Outcome> promote(const ports::Call& call, domain::UploadSession& session);
    void hand_back(const ports::Call& call, const domain::UploadSession& session);
    std::chrono::milliseconds pause_after(const domain::UploadSession& session) const;
    // Postponed if the store is well, else `why`.
    Result<Outcome> postpone(const ports::Call& call, const domain::UploadSession& session, Status why);
    // The digest of the staged object as hex, from the running hash on.
    Result<std::string> verify(const ports::Call& call, const domain::UploadSession& session);
    static Result<bool> still_trusted(store::Transaction& tx, const domain::UploadSession& session);
    Status reject(const ports::Call& call, const domain::UploadSession& session, const std::string& why);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    StoreIdentity& identity_;
    const PromotionPauses pauses_;
    const std::string owner_;
};

}  // namespace imgsrv::services
