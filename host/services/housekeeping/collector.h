#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "ports/object_store.h"
#include "store/housekeeping/collection.h"
#include "store/pool.h"

namespace imgsrv::services {

struct CollectorOptions {
    // How long a blob stays unreferenced before it is removed.
    std::chrono::milliseconds grace{24 * 3'600'000};
    // How old an object without a row must be before it is removed.
    std::chrono::milliseconds orphan_age{3'600'000};
    // Remove orphans even if they are most of the store.
    bool all_orphans = false;
};

// What one pass did, or would do.
struct CollectorReport {
    store::collection::Totals marked;     // found unreferenced in this pass
    store::collection::Totals collected;  // blobs removed after the grace
    store::collection::Totals orphans;    // objects without a row
    store::collection::Totals removed;    // objects gone from the store
};

// Removes what is no longer needed: blobs that stay unreferenced by any version, draft or upload for the grace, and
// objects without a row. Runs in batches beside everything else, on several nodes at once; if a process dies, the next
// pass continues where it stopped.
//
// A blob goes in three steps: its row is deleted and its key queued in one transaction, which is the commit point; then
// the object is removed; then the key leaves the queue. Keys are never reused, so a late removal hits nothing else.
// [any worker]
class Collector {
  public:
    Collector(store::Pool& pool, ports::ObjectStore& objects, CollectorOptions options);

    // Marks unreferenced blobs, and removes the rows of those marked for the grace. Does not touch the store.
    Status collect(const ports::Call& call, CollectorReport& report);
    // Looks through the object store and queues objects without a row for removal; only reads the store. told: called
    // for each object once it is queued; may be null. failed_precondition: they are most of the store, so the database
    // is likely another store's, or was lost; nothing is queued.
    Status queue_orphans(const ports::Call& call, CollectorReport& report,
                         const std::function<Status(const ports::ObjectInfo&)>& told = nullptr);
    // Visits the objects without a row that are old enough.
    Status visit_orphans(const ports::Call& call, const std::function<Status(const ports::ObjectInfo&)>& visit);
    // Removes the queued objects, unless a hold keeps them.
    Status remove_queued(const ports::Call& call, CollectorReport& report);

    // Changes nothing: `collected` are the blobs that are due, `marked` those that would be marked, `removed` those
    // that are queued.
    Result<CollectorReport> preview(const ports::Call& call);

    // For a worker: removes what is queued; collects if no node has for `interval`; looks for orphans if none has for a
    // day. False: nothing is left to do now.
    Result<bool> run_due(const ports::Call& call, std::chrono::milliseconds interval);

    // Everything since the process began. [any]
    CollectorReport totals() const;

  private:
    // Visits old objects without a row; returns how many old ones have one.
    Result<std::uint64_t> visit_old(const ports::Call& call,
                                    const std::function<Status(const ports::ObjectInfo&)>& orphan);
    Status mark(const ports::Call& call, CollectorReport& report);
    Status sweep(const ports::Call& call, CollectorReport& report);
    Result<bool> begin(const ports::Call& call, std::string_view task, std::chrono::microseconds interval);
    void add(const CollectorReport& report);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    const CollectorOptions options_;
    mutable std::mutex mutex_;
    CollectorReport totals_;
};

}  // namespace imgsrv::services
