#include "services/uploads/staging_sweeper.h"

#include <string>
#include <vector>

#include "services/storage_keys.h"
#include "services/uploads/session_end.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

namespace {

// A sweep goes on after a failure and reports the first.
class FirstFailure {
  public:
    void note(const Status& status) {
        if (!status.ok() && first_.ok()) first_ = status;
    }
    const Status& status() const { return first_; }

  private:
    Status first_;
};

}  // namespace

StagingSweeper::StagingSweeper(store::Pool& pool, ports::ObjectStore& objects, std::chrono::seconds ttl)
    : pool_(pool), objects_(objects), ttl_(ttl) {}

Status StagingSweeper::sweep(const ports::Call& call) {
    FirstFailure failure;
    failure.note(end_expired(call));
    failure.note(remove_leftovers(call));
    failure.note(forget_ended(call));
    return failure.status();
}

Status StagingSweeper::end_expired(const ports::Call& call) {
    constexpr std::uint32_t kBatch = 100;
    for (;;) {
        std::vector<UploadSession> due;
        IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            IMGSRV_ASSIGN(due, store::uploads::expired(tx, now, kBatch));
            return {};
        }));
        for (const UploadSession& session : due)
            IMGSRV_TRY(end_session(call, pool_, objects_, session, UploadState::aborted,
                                   "the session expired at " + format_rfc3339(session.expires)));
        if (due.size() < kBatch) return {};
    }
}

Status StagingSweeper::remove_leftovers(const ports::Call& call) {
    FirstFailure failure;
    IMGSRV_ASSIGN(const auto uploads, objects_.multipart_list(call, kStagingPrefix));
    for (const auto& upload : uploads) {
        IMGSRV_ASSIGN(const bool leftover, is_leftover(call, upload.key, upload.created));
        if (leftover) failure.note(objects_.multipart_abort(call, upload.key, upload.upload_id));
    }
    std::string after;
    for (;;) {
        IMGSRV_ASSIGN(const auto page, objects_.list(call, kStagingPrefix, after, 1000));
        for (const auto& object : page.objects) {
            IMGSRV_ASSIGN(const bool leftover, is_leftover(call, object.key, object.mtime));
            if (leftover) failure.note(objects_.remove(call, object.key));
            after = object.key;
        }
        if (!page.more) return failure.status();
    }
}

Status StagingSweeper::forget_ended(const ports::Call& call) {
    return pool_
        .write(call,
               [&](Transaction& tx) -> Result<std::uint64_t> {
                   IMGSRV_ASSIGN(const Time now, tx.now());
                   return store::uploads::forget(tx, now - ttl_);
               })
        .status();
}

Result<bool> StagingSweeper::is_leftover(const ports::Call& call, std::string_view key, Time created) {
    // A new session has its multipart upload before its row: leave young ones alone.
    constexpr auto kYoung = std::chrono::minutes(15);
    return pool_.read(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        auto session = store::uploads::find(tx, key.substr(kStagingPrefix.size()));
        if (session.status().code() == Code::not_found) return created + kYoung < now;
        IMGSRV_TRY(session.status());
        return session->state == UploadState::ready || session->state == UploadState::failed ||
               session->state == UploadState::aborted;
    });
}

}  // namespace imgsrv::services
