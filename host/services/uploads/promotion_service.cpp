#include "services/uploads/promotion_service.h"

#include "core/backoff.h"
#include "core/log.h"
#include "core/sha256.h"
#include "domain/digest.h"
#include "services/lease_keeper.h"
#include "services/storage_keys.h"
#include "services/uploads/hash_stream.h"
#include "store/catalogue/blobs.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using domain::UploadSession;
using domain::UploadState;
using store::Transaction;

namespace {

constexpr std::chrono::seconds kHealthPatience{5};

}  // namespace

PromotionService::PromotionService(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity,
                                   PromotionPauses pauses, std::string owner)
    : pool_(pool), objects_(objects), identity_(identity), pauses_(pauses), owner_(std::move(owner)) {}

Result<PromotionService::Outcome> PromotionService::run_one(const ports::Call& call) {
    IMGSRV_ASSIGN(auto claimed, pool_.write(call, [&](Transaction& tx) -> Result<std::optional<UploadSession>> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::claim(tx, owner_, now, now + kLeaseTime, pool_.skip_locked());
    }));
    if (!claimed) return Outcome::idle;
    UploadSession& session = *claimed;

    LeaseKeeper lease(
        [&](std::chrono::steady_clock::time_point deadline) {
            return pool_.write(ports::Call{call.request_id, deadline, nullptr}, [&](Transaction& tx) -> Status {
                IMGSRV_ASSIGN(const Time now, tx.now());
                return store::uploads::renew(tx, session, now + kLeaseTime);
            });
        },
        call.cancel);
    const ports::Call work{call.request_id.empty() ? session.id : call.request_id, std::nullopt, lease.token()};
    auto outcome = promote(work, session);
    if ((!outcome.ok() || *outcome == Outcome::postponed) && !lease.lost()) hand_back(call, session);
    return outcome;
}

void PromotionService::hand_back(const ports::Call& call, const UploadSession& session) {
    const ports::Call closing{call.request_id, std::nullopt, nullptr};
    const Status back = pool_.write(closing, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::hand_back(tx, session, call.cancelled() ? now : now + pause_after(session));
    });
    if (!back.ok())  // another worker takes it over when the lease has run out
        log::warn("upload session not handed back", {{"upload_id", session.id}, {"error", back.describe()}});
}

std::chrono::milliseconds PromotionService::pause_after(const UploadSession& session) const {
    return doubling_pause(pauses_.first, pauses_.most, session.attempt);
}

Result<PromotionService::Outcome> PromotionService::postpone(const ports::Call& call, const UploadSession& session,
                                                             Status why) {
    const ports::Call look{call.request_id, std::chrono::steady_clock::now() + kHealthPatience, call.cancel};
    // A healthy store may be full, too.
    const bool general = call.cancelled() || why.code() == Code::cancelled || why.code() == Code::resource_exhausted ||
                         !objects_.health(look).ok() || !identity_.check(look).ok();
    if (general) return why;
    log::warn("upload postponed", {{"upload_id", session.id},
                                   {"error", why.describe()},
                                   {"attempt", static_cast<std::int64_t>(session.attempt)},
                                   {"pause_ms", std::int64_t{pause_after(session).count()}}});
    return Outcome::postponed;
}

Result<PromotionService::Outcome> PromotionService::promote(const ports::Call& call, UploadSession& session) {
    const std::string staged = staging_key(session.id);
    IMGSRV_ASSIGN(const auto expected, domain::Digest::parse("expected_digest", session.expected_digest));
    const std::string own_key = blob_key(expected.hex(), session.id);
    auto blob = pool_.read(call, [&](Transaction& tx) { return store::blobs::find(tx, session.expected_digest); });
    const bool known = blob.ok();
    if (!known && blob.status().code() != Code::not_found) return std::move(blob).status();
    // A damaged blob is healed by this upload.
    const bool trusted = known && !blob->damage;

    if (known && blob->size != session.expected_size) {
        IMGSRV_TRY(reject(call, session,
                          session.expected_digest + " has " + std::to_string(blob->size) + " bytes, " +
                              std::to_string(session.expected_size) + " were expected"));
        return Outcome::rejected;
    }

    domain::Blob fresh;
    if (!trusted) {
        auto hex = verify(call, session);
        if (hex.status().code() == Code::data_loss) {
            IMGSRV_TRY(reject(call, session, std::string(hex.status().message())));
            return Outcome::rejected;
        }
        if (!hex.ok()) return postpone(call, session, std::move(hex).status());
        const auto digest = domain::Digest::from_hex(*hex);
        if (digest.text() != session.expected_digest) {
            IMGSRV_TRY(reject(call, session,
                              "the bytes hash to " + digest.text() + ", " + session.expected_digest + " was expected"));
            return Outcome::rejected;
        }
        fresh = {digest.text(), session.expected_size, own_key, Time(), std::nullopt};
        // The key is the session's own, and no row refers to it: what a crash left under it may be replaced.
        const auto copied = objects_.copy(call, staged, fresh.storage_key, ports::Overwrite::replace);
        if (!copied.ok()) return postpone(call, session, copied.status());
    }

    // Commit point: with this row the blob is trusted and can be read.
    IMGSRV_ASSIGN(const bool placed, pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(store::uploads::finish(tx, session, UploadState::ready, std::nullopt, now));
        if (trusted) return still_trusted(tx, session);
        fresh.created = now;
        IMGSRV_ASSIGN(const bool inserted, store::blobs::insert(tx, fresh));
        if (inserted) return true;
        return store::blobs::heal(tx, fresh, now);
    }));
    log::info("blob trusted", {{"digest", session.expected_digest},
                               {"size", static_cast<std::int64_t>(session.expected_size)},
                               {"upload_id", session.id}});
    // The sweeper removes what stays in staging. If another upload of the same bytes was first, an earlier attempt of
    // this one may have left a copy that no row refers to.
    if (!placed) static_cast<void>(objects_.remove(call, own_key));
    static_cast<void>(objects_.remove(call, staged));
    return Outcome::promoted;
}

Result<bool> PromotionService::still_trusted(Transaction& tx, const UploadSession& session) {
    auto blob = store::blobs::find(tx, session.expected_digest);
    const bool sound = blob.ok() && !blob->damage;
    if (!sound && (blob.ok() || blob.status().code() == Code::not_found))
        return Status(Code::aborted, session.expected_digest + " was trusted, but no longer is; its upload is verified")
            .with_retryable();
    IMGSRV_TRY(blob.status());
    return false;
}

Result<std::string> PromotionService::verify(const ports::Call& call, const UploadSession& session) {
    const std::string staged = staging_key(session.id);
    auto found = objects_.stat(call, staged);
    if (found.status().code() == Code::not_found) {
        IMGSRV_TRY(identity_.check(call).status());
        return Status(Code::data_loss, "the uploaded bytes are gone from the object store; upload them again");
    }
    IMGSRV_TRY(found.status());
    const ports::ObjectInfo info = std::move(found).value();
    if (info.size != session.expected_size)
        return Status(Code::data_loss, "the staged object has " + std::to_string(info.size) + " bytes, " +
                                           std::to_string(session.expected_size) + " were expected");
    Sha256 hash;
    if (session.hashed_parts > 0) {
        auto restored = Sha256::restore(session.hash_state);
        if (restored.ok()) hash = *restored;
    }
    if (hash.length() < session.expected_size) {
        IMGSRV_ASSIGN(auto object, objects_.open(call, staged, info.etag, hash.length(), std::nullopt));
        IMGSRV_TRY(hash_stream(call, *object.body, hash));
    }
    if (hash.length() != session.expected_size)
        return Status(Code::unavailable, "the store ended the staged object early").with_retryable();
    return hash.hex();
}

Status PromotionService::reject(const ports::Call& call, const UploadSession& session, const std::string& why) {
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::uploads::finish(tx, session, UploadState::failed, why, now);
    }));
    log::warn("upload rejected", {{"upload_id", session.id}, {"reason", why}});
    static_cast<void>(objects_.remove(call, staging_key(session.id)));
    return {};
}

}  // namespace imgsrv::services
