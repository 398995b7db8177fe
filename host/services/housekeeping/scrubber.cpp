#include "services/housekeeping/scrubber.h"

#include "core/log.h"
#include "services/housekeeping/blob_check.h"
#include "services/lease_keeper.h"
#include "store/catalogue/blobs.h"
#include "store/housekeeping/scrubbing.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

// An unreadable blob (a bad sector, say) must not block the others.
constexpr std::chrono::minutes kPutOff{10};

}  // namespace

Result<std::string> versions_referencing(Transaction& tx, std::string_view digest) {
    constexpr std::uint32_t kMost = 5;
    IMGSRV_ASSIGN(const auto versions, store::scrubbing::versions_with(tx, digest, kMost));
    std::string text;
    for (const auto& version : versions) text += (text.empty() ? "" : ", ") + version;
    return text;
}

Result<bool> record_damage(const ports::Call& call, store::Pool& pool, StoreIdentity& identity,
                           const domain::Blob& blob, const std::string& damage) {
    IMGSRV_TRY(identity.check(call).status());
    std::string versions;
    // Commit point: from here on the blob is not served.
    IMGSRV_ASSIGN(const bool news, pool.write(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(versions, versions_referencing(tx, blob.digest));
        return store::blobs::set_damaged(tx, blob.digest, blob.storage_key, damage, now);
    }));
    if (!news) return false;
    log::error("blob is damaged and not served until it is uploaded again",
               {{"digest", blob.digest}, {"damage", damage}, {"versions", versions}});
    return true;
}

Scrubber::Scrubber(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, std::string owner,
                   ScrubberOptions options)
    : pool_(pool), objects_(objects), identity_(identity), owner_(std::move(owner)), options_(options) {}

Result<bool> Scrubber::run_one(const ports::Call& call) {
    IMGSRV_TRY(identity_.check(call).status());
    IMGSRV_ASSIGN(const auto claimed, pool_.write(call, [&](Transaction& tx) -> Result<std::optional<domain::Blob>> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::scrubbing::claim(tx, owner_, now, now - options_.interval, now + kLeaseTime, pool_.skip_locked());
    }));
    if (!claimed) return false;
    const domain::Blob& blob = *claimed;

    std::uint64_t bytes = 0;
    Result<std::optional<std::string>> damage = std::optional<std::string>();
    {
        LeaseKeeper lease(
            [&](std::chrono::steady_clock::time_point deadline) {
                return pool_.write(ports::Call{call.request_id, deadline, nullptr}, [&](Transaction& tx) -> Status {
                    IMGSRV_ASSIGN(const Time now, tx.now());
                    return store::scrubbing::renew(tx, blob.digest, owner_, now + kLeaseTime);
                });
            },
            call.cancel);
        const ports::Call work{call.request_id, std::nullopt, lease.token()};
        damage = check_blob(work, objects_, blob, {true, options_.rate, &bytes});
        if (lease.lost()) return true;  // collected, or another node's
    }
    {
        const std::lock_guard lock(mutex_);
        stats_.bytes += bytes;
        if (damage.ok()) ++stats_.blobs;
    }
    const ports::Call closing{call.request_id, std::nullopt, nullptr};
    const Status judged = damage.ok() ? judge(closing, blob, *damage) : damage.status();
    const bool called_off = judged.code() == Code::cancelled;
    IMGSRV_TRY(pool_.write(closing, [&](Transaction& tx) -> Status {
        if (judged.ok() || called_off) return store::scrubbing::release(tx, blob.digest, owner_, Time());
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::scrubbing::release(tx, blob.digest, owner_, now + kPutOff);
    }));
    if (called_off) return false;
    IMGSRV_TRY(judged);
    return true;
}

Status Scrubber::judge(const ports::Call& call, const domain::Blob& blob, const std::optional<std::string>& damage) {
    if (damage) {
        IMGSRV_ASSIGN(const bool news, record_damage(call, pool_, identity_, blob, *damage));
        if (news) {
            const std::lock_guard lock(mutex_);
            ++stats_.damaged;
        }
    }
    if (damage && blob.damage) {
        // Already known: it is read again when its turn comes.
        return pool_.write(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            return store::scrubbing::set_read(tx, blob.digest, now);
        });
    }
    if (damage) return {};
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::blobs::set_sound(tx, blob.digest, blob.storage_key, now);
    }));
    if (!blob.damage) return {};
    log::info("blob is sound again", {{"digest", blob.digest}});
    const std::lock_guard lock(mutex_);
    ++stats_.healed;
    return {};
}

ScrubberStats Scrubber::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

}  // namespace imgsrv::services
