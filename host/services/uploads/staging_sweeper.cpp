#include "core/log.h"
#include "services/storage_keys.h"
#include "services/uploads/upload_service.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

namespace {

// One leftover that cannot be removed must not keep the others: the first trouble is told when all were tried.
class Troubles {
  public:
    void note(const Status& status) {
        if (!status.ok() && first_.ok()) first_ = status;
    }
    Status first() const { return first_; }

  private:
    Status first_;
};

}  // namespace

Status UploadService::sweep(const ports::Call& call) {
    Troubles troubles;
    troubles.note(sweep_expired(call));
    troubles.note(sweep_staging(call));
    troubles.note(pool_
                      .write(call,
                             [&](Transaction& tx) -> Result<std::uint64_t> {
                                 IMGSRV_ASSIGN(const Time now, tx.now());
                                 return store::uploads::forget(tx, now - options_.ttl);
                             })
                      .status());
    return troubles.first();
}

Status UploadService::sweep_expired(const ports::Call& call) {
    constexpr std::uint32_t kBatch = 100;
    for (;;) {
        std::vector<UploadSession> due;
        IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            IMGSRV_ASSIGN(due, store::uploads::expired(tx, now, kBatch));
            return {};
        }));
        for (const UploadSession& session : due)
            IMGSRV_TRY(end_session(call, session, UploadState::aborted,
                                   "the session expired at " + format_rfc3339(session.expires)));
        if (due.size() < kBatch) return {};
    }
}

// Whether what stands under a staging key belongs to no session that still needs it.
Result<bool> UploadService::is_leftover(const ports::Call& call, std::string_view key, Time created) {
    // A session that is being created has its multipart upload before its row: leave young ones alone.
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

Status UploadService::sweep_staging(const ports::Call& call) {
    Troubles troubles;
    IMGSRV_ASSIGN(const auto uploads, objects_.multipart_list(call, kStagingPrefix));
    for (const auto& upload : uploads) {
        IMGSRV_ASSIGN(const bool leftover, is_leftover(call, upload.key, upload.created));
        if (leftover) troubles.note(objects_.multipart_abort(call, upload.key, upload.upload_id));
    }
    std::string after;
    for (;;) {
        IMGSRV_ASSIGN(const auto page, objects_.list(call, kStagingPrefix, after, 1000));
        for (const auto& object : page.objects) {
            IMGSRV_ASSIGN(const bool leftover, is_leftover(call, object.key, object.mtime));
            if (leftover) troubles.note(objects_.remove(call, object.key));
            after = object.key;
        }
        if (!page.more) return troubles.first();
    }
}

}  // namespace imgsrv::services
