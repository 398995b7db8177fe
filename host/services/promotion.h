#pragma once

#include <string>

#include "domain/upload.h"
#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

// Turns completed upload sessions into trusted blobs: verify, put at the blob's place, record.
class PromotionService {
  public:
    // owner: "<node>/<process>", unique for each run of a process.
    PromotionService(store::Pool& pool, ports::ObjectStore& objects, std::string owner);

    enum class Outcome { idle, promoted, rejected };
    // Claims the oldest waiting session and brings it to its end: ready, or failed with what was wrong. A status that
    // is not OK is the store's or the database's trouble; the session was handed back and is tried again after
    // retry_after.
    Result<Outcome> run_one(const ports::Call& call, std::chrono::milliseconds retry_after);

  private:
    Result<Outcome> promote(const ports::Call& call, domain::UploadSession& session);
    // The digest of the staged object as hex, from the running hash on.
    Result<std::string> verify(const ports::Call& call, const domain::UploadSession& session);
    static Result<bool> still_trusted(store::Transaction& tx, const domain::UploadSession& session);
    Status reject(const ports::Call& call, const domain::UploadSession& session, const std::string& why);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    const std::string owner_;
};

}  // namespace imgsrv::services
