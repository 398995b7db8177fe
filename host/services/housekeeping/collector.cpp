#include "services/housekeeping/collector.h"

#include <algorithm>

#include "core/log.h"
#include "services/storage_keys.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

// Rows that one transaction changes; others write in between.
constexpr std::uint32_t kBatch = 100;
constexpr std::uint32_t kObjectsAtOnce = 1000;
constexpr std::chrono::hours kOrphanInterval{24};
// Processes that die leave a few, however small the store is.
constexpr std::size_t kFewOrphans = 3;

void count(store::collection::Totals& totals, std::uint64_t bytes) {
    ++totals.blobs;
    totals.bytes += bytes;
}

void accumulate(store::collection::Totals& sum, const store::collection::Totals& more) {
    sum.blobs += more.blobs;
    sum.bytes += more.bytes;
}

Status cancelled() {
    return {Code::cancelled, "the collection was cancelled"};
}

}  // namespace

Collector::Collector(store::Pool& pool, ports::ObjectStore& objects, CollectorOptions options)
    : pool_(pool), objects_(objects), options_(options) {}

Status Collector::collect(const ports::Call& call, CollectorReport& report) {
    IMGSRV_TRY(mark(call, report));
    return sweep(call, report);
}

// Candidates are read in pages, so that no writer waits for the search; each is checked again when it is marked.
Status Collector::mark(const ports::Call& call, CollectorReport& report) {
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::collection::unmark_referenced(tx, now);
    }));
    for (std::string after;;) {
        if (call.cancelled()) return cancelled();
        std::vector<std::string> page;
        IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            IMGSRV_ASSIGN(page, store::collection::unmarked(tx, now, after, kBatch));
            return {};
        }));
        if (page.empty()) return {};
        IMGSRV_ASSIGN(const auto marked, pool_.write(call, [&](Transaction& tx) -> Result<std::uint64_t> {
            IMGSRV_ASSIGN(const Time now, tx.now());
            std::uint64_t n = 0;
            for (const auto& digest : page) {
                IMGSRV_ASSIGN(const bool one, store::collection::mark(tx, digest, now));
                n += one ? 1 : 0;
            }
            return n;
        }));
        report.marked.blobs += marked;
        if (page.size() < kBatch) return {};
        after = page.back();
    }
}

Status Collector::sweep(const ports::Call& call, CollectorReport& report) {
    for (;;) {
        if (call.cancelled()) return cancelled();
        std::vector<domain::Blob> gone;
        // Commit point: the blobs are gone with their rows, and their objects are queued for removal.
        IMGSRV_ASSIGN(const std::size_t due, pool_.write(call, [&](Transaction& tx) -> Result<std::size_t> {
            gone.clear();
            IMGSRV_ASSIGN(const Time now, tx.now());
            const Time before = now - options_.grace;
            IMGSRV_TRY(store::collection::unmark_referenced(tx, now));
            IMGSRV_ASSIGN(auto blobs, store::collection::due(tx, before, kBatch));
            for (auto& blob : blobs) {
                IMGSRV_ASSIGN(const bool collected, store::collection::collect(tx, blob, before, now));
                if (collected) gone.push_back(std::move(blob));
            }
            return blobs.size();
        }));
        for (const auto& blob : gone) {
            count(report.collected, blob.size);
            log::info("blob collected", {{"digest", blob.digest}, {"size", static_cast<std::int64_t>(blob.size)}});
        }
        if (due < kBatch || gone.empty()) return {};
    }
}

Status Collector::visit_orphans(const ports::Call& call, const std::function<Status(const ports::ObjectInfo&)>& visit) {
    return visit_old(call, visit).status();
}

Result<std::uint64_t> Collector::visit_old(const ports::Call& call,
                                           const std::function<Status(const ports::ObjectInfo&)>& orphan) {
    std::uint64_t named = 0;
    for (std::string after;;) {
        if (call.cancelled()) return cancelled();
        IMGSRV_ASSIGN(const auto page, objects_.list(call, kBlobPrefix, after, kObjectsAtOnce));
        std::vector<const ports::ObjectInfo*> orphans;
        std::size_t old = 0;
        IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
            orphans.clear();
            old = 0;
            IMGSRV_ASSIGN(const Time now, tx.now());
            for (const auto& object : page.objects) {
                if (object.mtime > now - options_.orphan_age) continue;
                ++old;
                IMGSRV_ASSIGN(const bool known, store::collection::key_is_known(tx, object.key));
                if (!known) orphans.push_back(&object);
            }
            return {};
        }));
        named += old - orphans.size();
        for (const auto* object : orphans) IMGSRV_TRY(orphan(*object));
        if (!page.more || page.objects.empty()) return named;
        after = page.objects.back().key;
    }
}

Status Collector::queue_orphans(const ports::Call& call, CollectorReport& report,
                                const std::function<Status(const ports::ObjectInfo&)>& told) {
    std::vector<ports::ObjectInfo> orphans;
    IMGSRV_ASSIGN(const std::uint64_t named, visit_old(call, [&](const ports::ObjectInfo& object) {
                      orphans.push_back(object);
                      return Status();
                  }));
    if (!options_.all_orphans && orphans.size() > std::max<std::uint64_t>(named, kFewOrphans))
        return {Code::failed_precondition,
                "the database has rows for " + std::to_string(named) + " objects of the store and none for the other " +
                    std::to_string(orphans.size()) +
                    "; none was removed. Is it this store's database? If so, 'imgsrv gc --all-orphans' removes them"};
    for (const auto& object : orphans) {
        if (call.cancelled()) return cancelled();
        // Checked again in the transaction: an object without a row can never get one from here on, because a session
        // that has ended promotes nothing.
        IMGSRV_ASSIGN(const bool queued, pool_.write(call, [&](Transaction& tx) -> Result<bool> {
            IMGSRV_ASSIGN(const Time now, tx.now());
            IMGSRV_ASSIGN(const bool known, store::collection::key_is_known(tx, object.key));
            if (known) return false;
            IMGSRV_TRY(store::collection::queue_removal(tx, object.key, object.size, now));
            return true;
        }));
        if (!queued) continue;
        count(report.orphans, object.size);
        log::info("object without a blob", {{"key", object.key}, {"size", static_cast<std::int64_t>(object.size)}});
        if (told) IMGSRV_TRY(told(object));
    }
    return {};
}

Status Collector::remove_queued(const ports::Call& call, CollectorReport& report) {
    Status trouble;
    for (std::string after;;) {
        if (call.cancelled()) return cancelled();
        std::vector<store::collection::Removal> page;
        IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            IMGSRV_ASSIGN(page, store::collection::removals(tx, now, after, kBatch));
            return {};
        }));
        std::vector<const store::collection::Removal*> gone;
        for (const auto& removal : page) {
            Status removed = objects_.remove(call, removal.key);
            if (removed.ok()) {
                gone.push_back(&removal);
                count(report.removed, removal.size);
            } else if (trouble.ok()) {
                trouble = std::move(removed).with_context("an unreferenced object was not removed");
            }
        }
        if (!gone.empty())
            IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
                for (const auto* removal : gone) IMGSRV_TRY(store::collection::removal_done(tx, removal->key));
                return {};
            }));
        if (page.size() < kBatch) return trouble;
        after = page.back().key;
    }
}

Result<CollectorReport> Collector::preview(const ports::Call& call) {
    CollectorReport report;
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(report.marked, store::collection::unmarked_totals(tx, now));
        IMGSRV_ASSIGN(report.collected, store::collection::due_totals(tx, now, now - options_.grace));
        IMGSRV_ASSIGN(report.removed, store::collection::removal_totals(tx));
        return {};
    }));
    IMGSRV_TRY(visit_orphans(call, [&](const ports::ObjectInfo& object) {
        count(report.orphans, object.size);
        return Status();
    }));
    return report;
}

Result<bool> Collector::begin(const ports::Call& call, std::string_view task, std::chrono::microseconds interval) {
    return pool_.write(call, [&](Transaction& tx) -> Result<bool> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::collection::begin_run(tx, task, now, interval);
    });
}

Result<bool> Collector::run_due(const ports::Call& call, std::chrono::milliseconds interval) {
    CollectorReport report;
    const auto work = [&]() -> Status {
        IMGSRV_ASSIGN(const bool collection, begin(call, "collect", interval));
        if (collection) IMGSRV_TRY(collect(call, report));
        IMGSRV_ASSIGN(const bool orphans, begin(call, "orphans", kOrphanInterval));
        if (orphans) IMGSRV_TRY(queue_orphans(call, report));
        return remove_queued(call, report);
    };
    const Status status = work();
    add(report);
    if (call.cancelled()) return false;
    IMGSRV_TRY(status);
    return false;
}

void Collector::add(const CollectorReport& report) {
    const std::lock_guard lock(mutex_);
    accumulate(totals_.marked, report.marked);
    accumulate(totals_.collected, report.collected);
    accumulate(totals_.orphans, report.orphans);
    accumulate(totals_.removed, report.removed);
}

CollectorReport Collector::totals() const {
    const std::lock_guard lock(mutex_);
    return totals_;
}

}  // namespace imgsrv::services
