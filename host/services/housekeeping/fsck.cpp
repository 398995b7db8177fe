#include "services/housekeeping/fsck.h"

#include <algorithm>

#include "services/housekeeping/blob_check.h"
#include "services/housekeeping/collector.h"
#include "services/housekeeping/scrubber.h"
#include "store/catalogue/blobs.h"
#include "store/catalogue/catalogue.h"
#include "store/housekeeping/consistency.h"
#include "store/publishing/projections.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr std::uint32_t kBlobsAtOnce = 200;
constexpr std::uint32_t kMaxRemovalsTold = 100;

}  // namespace

Fsck::Fsck(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, FsckOptions options, Report report)
    : pool_(pool),
      objects_(objects),
      identity_(identity),
      options_(options),
      report_(std::move(report)),
      faults_({&objects}) {}

void Fsck::tell(std::string what, std::string next, bool repaired) {
    ++summary_.findings;
    summary_.repaired += repaired ? 1 : 0;
    report_({std::move(what), std::move(next), repaired});
}

Result<FsckSummary> Fsck::run(const ports::Call& call) {
    summary_ = {};
    IMGSRV_TRY(identity_.check(call).status());
    IMGSRV_TRY(check_database(call));
    if (options_.late) IMGSRV_TRY(check_uploads(call));
    IMGSRV_TRY(check_jobs(call));
    IMGSRV_TRY(check_projections(call));
    IMGSRV_TRY(check_blobs(call));
    IMGSRV_TRY(check_orphans(call));
    return summary_;
}

Status Fsck::check_database(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto damage,
                  pool_.read(call, [&](Transaction& tx) { return store::consistency::damage(tx, options_.deep); }));
    for (const auto& one : damage) tell("the database is damaged: " + one, "stop the server and restore a backup");
    IMGSRV_ASSIGN(const auto missing,
                  pool_.read(call, [](Transaction& tx) { return store::consistency::published_without_blob(tx); }));
    for (const auto& m : missing)
        tell(m.image + " " + m.version + " is published and references " + m.digest + " of " + std::to_string(m.size) +
                 " bytes, which is not here",
             "upload these bytes");
    return {};
}

Status Fsck::check_uploads(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto late,
                  pool_.read(call, [](Transaction& tx) -> Result<std::vector<store::consistency::LateSession>> {
                      IMGSRV_ASSIGN(const Time now, tx.now());
                      return store::consistency::late_sessions(tx, now);
                  }));
    for (const auto& s : late) {
        const bool open = s.state == "created" || s.state == "uploading";
        tell("upload session " + s.id + " for " + s.digest +
                 (open ? " expired at " : " is " + s.state + " and late since ") + format_rfc3339(s.since),
             open ? "is a server running? Its sweeper ends such sessions every minute"
                  : "is a server running, with cas-promotion-enabled, and is its worker-cas-promotion healthy "
                    "(/health)?");
    }
    IMGSRV_ASSIGN(const auto waiting,
                  pool_.read(call, [](Transaction& tx) -> Result<std::vector<store::consistency::LateRemoval>> {
                      IMGSRV_ASSIGN(const Time now, tx.now());
                      return store::consistency::late_removals(tx, now, kMaxRemovalsTold);
                  }));
    for (const auto& r : waiting)
        tell("object " + r.key + " has been waiting for removal since " + format_rfc3339(r.since),
             "is a server running, with a gc-interval, and is its worker-gc healthy (/health)?");
    return {};
}

Status Fsck::check_jobs(const ports::Call& call) {
    std::vector<store::consistency::LateStep> steps;
    std::vector<store::consistency::StuckVersion> versions;
    std::vector<store::consistency::StuckJob> jobs;
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        if (options_.late) {
            IMGSRV_ASSIGN(steps, store::consistency::late_steps(tx, now));
        }
        IMGSRV_ASSIGN(versions, store::consistency::publishing_without_job(tx));
        IMGSRV_ASSIGN(jobs, store::consistency::jobs_without_work(tx));
        return {};
    }));
    for (const auto& s : steps)
        tell("step " + s.step + " of job " + s.job + " (" + s.image + " " + s.version +
                 ") has been waiting for a worker since " + format_rfc3339(s.since),
             "is a server running, and is its worker-publish healthy (/health)?");
    for (const auto& v : versions) {
        if (options_.repair)
            IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
                IMGSRV_ASSIGN(const Time now, tx.now());
                // It may have been published since the query.
                IMGSRV_ASSIGN(const auto stuck, store::consistency::publishing_without_job(tx));
                if (std::none_of(stuck.begin(), stuck.end(), [&](const auto& one) { return one.id == v.id; }))
                    return {};
                IMGSRV_TRY(store::projections::remove_version(tx, v.id));
                return store::catalogue::set_version_state(tx, v.id, domain::VersionState::publishing,
                                                           domain::VersionState::draft, now)
                    .status();
            }));
        tell(v.image + " " + v.version + " is being published by no job",
             options_.repair ? "it is a draft again" : "--repair makes it a draft again", options_.repair);
    }
    for (const auto& j : jobs) {
        if (options_.repair)
            IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
                IMGSRV_ASSIGN(const Time now, tx.now());
                return store::consistency::fail_job(tx, j.id, now);
            }));
        tell("job " + j.id + " of " + j.image + " " + j.version + " is " + j.state + " and has nothing to run",
             options_.repair ? "it has failed now: run 'imgsrv job abandon " + j.id + "', then publish again"
                             : "--repair fails it, so that it can be abandoned",
             options_.repair);
    }
    return {};
}

Status Fsck::check_projections(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto lost,
                  pool_.read(call, [](Transaction& tx) { return store::consistency::lost_projections(tx); }));
    for (const auto& l : lost) {
        if (options_.repair)
            IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) { return store::consistency::run_again(tx, l); }));
        tell(l.image + " " + l.version + " has " + std::to_string(l.found) + " of the " + std::to_string(l.expected) +
                 " rows that " + l.step + " put for it",
             options_.repair ? "the step runs again" : "--repair runs the step again", options_.repair);
    }
    return {};
}

Status Fsck::check_blobs(const ports::Call& call) {
    for (std::string after;;) {
        IMGSRV_ASSIGN(const auto page,
                      pool_.read(call, [&](Transaction& tx) { return store::blobs::list(tx, after, kBlobsAtOnce); }));
        for (const auto& blob : page) IMGSRV_TRY(check_blob_of(call, blob));
        if (page.size() < kBlobsAtOnce) return {};
        after = page.back().digest;
    }
}

Status Fsck::check_blob_of(const ports::Call& call, const domain::Blob& blob) {
    if (call.cancelled()) return {Code::cancelled, "fsck was cancelled"};
    ++summary_.blobs;
    summary_.bytes += blob.size;
    std::optional<std::string> damage;
    const auto looked = faults_.attempt(call, blob.storage_key, [&]() -> Status {
        IMGSRV_ASSIGN(damage, check_blob(call, objects_, blob, {options_.deep, 0, nullptr}));
        faults_.note_read();
        return {};
    });
    IMGSRV_TRY(looked.trouble);
    if (looked.fault.ok() && !damage && !blob.damage) return {};

    // It may have been collected or healed since the page was read.
    std::string versions;
    IMGSRV_ASSIGN(const bool current, pool_.read(call, [&](Transaction& tx) -> Result<bool> {
        auto now = store::blobs::find(tx, blob.digest);
        if (now.status().code() == Code::not_found) return false;
        IMGSRV_TRY(now.status());
        IMGSRV_ASSIGN(versions, versions_referencing(tx, blob.digest));
        return now->storage_key == blob.storage_key && now->damage == blob.damage;
    }));
    if (!current) return {};
    const std::string name = "blob " + blob.digest + " ";
    const std::string named = versions.empty() ? " (unreferenced)" : " (of " + versions + ")";

    if (!looked.fault.ok()) {
        // Not marked: it may be readable again once the disk or the store is repaired.
        tell(name + "cannot be read: " + looked.fault.describe() + named,
             "repair the store; if the object is lost, remove it at " + blob.storage_key +
                 ", then --repair lets the same bytes be uploaded again");
        return {};
    }
    if (!damage) {
        if (!options_.deep) {
            tell(name + "is marked damaged: it " + *blob.damage + named, "upload the same bytes again");
            return {};
        }
        if (options_.repair)
            IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
                IMGSRV_ASSIGN(const Time now, tx.now());
                return store::blobs::set_sound(tx, blob.digest, blob.storage_key, now);
            }));
        tell(name + "is marked damaged, and its bytes are sound" + named,
             options_.repair ? "it is served again" : "--deep --repair serves it again", options_.repair);
        return {};
    }
    if (options_.repair) IMGSRV_TRY(record_damage(call, pool_, identity_, blob, *damage).status());
    tell(name + *damage + named, std::string("upload the same bytes again, or put the object back at ") +
                                     blob.storage_key +
                                     (options_.repair || blob.damage ? "; it is not served until then" : ""));
    return {};
}

Status Fsck::check_orphans(const ports::Call& call) {
    Collector collector(pool_, objects_, {});
    CollectorReport queued;
    const auto found = [&](const ports::ObjectInfo& object) {
        tell("object " + object.key + " of " + std::to_string(object.size) + " bytes belongs to no blob",
             options_.repair ? "it is queued for removal" : "'imgsrv gc' removes it", options_.repair);
        return Status();
    };
    return options_.repair ? collector.queue_orphans(call, queued, found) : collector.visit_orphans(call, found);
}

}  // namespace imgsrv::services
