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
    // How long nothing names a blob before it is removed.
    std::chrono::milliseconds grace{24 * 3'600'000};
    // How old an object that no row names is before it is removed.
    std::chrono::milliseconds orphan_age{3'600'000};
    // Also when they are most of what is in the store.
    bool all_orphans = false;
};

// What one pass did, or would do.
struct CollectorReport {
    store::collection::Totals marked;     // found to be named by nothing, just now
    store::collection::Totals collected;  // blobs removed after the grace
    store::collection::Totals orphans;    // objects that no row names
    store::collection::Totals removed;    // objects gone from the store
};

// Removes what nothing needs any more: blobs that no version, draft or upload names for longer than the grace, and
// objects that no row names. Runs beside everything else, on several nodes at once, in batches; a process that dies
// anywhere leaves nothing wrong, and the next pass goes on.
//
// A blob goes in three steps: its row is deleted and its key queued in one transaction, which is the commit point; then
// the object is removed; then the key leaves the queue. Keys are never used again, so that a late removal hits nothing
// else. [any worker]
class Collector {
  public:
    Collector(store::Pool& pool, ports::ObjectStore& objects, CollectorOptions options);

    // Marks, and removes what was marked long enough ago. Needs the database only.
    Status collect(const ports::Call& call, CollectorReport& report);
    // Looks through the object store and queues what nothing names. Reads the store only. failed_precondition, and
    // nothing is queued, when that is most of what is in the store: the database is likely another store's, or empty
    // for it was lost.
    // told: of each, once it is queued; may be null.
    Status queue_orphans(const ports::Call& call, CollectorReport& report,
                         const std::function<Status(const ports::ObjectInfo&)>& told = nullptr);
    // Objects that nothing names, old enough to be sure.
    Status visit_orphans(const ports::Call& call, const std::function<Status(const ports::ObjectInfo&)>& visit);
    // Removes the objects whose keys are queued, unless a backup holds them.
    Status remove_queued(const ports::Call& call, CollectorReport& report);

    // Changes nothing: `collected` are the blobs that are due, `marked` those that would be marked, `removed` those
    // that are queued.
    Result<CollectorReport> preview(const ports::Call& call);

    // For a worker: removes what is queued; and when no node has done so for `interval`, collects; and when none has
    // for a day, looks for orphans. False: nothing is left to do at once.
    Result<bool> run_due(const ports::Call& call, std::chrono::milliseconds interval);

    // Everything since the process began. [any]
    CollectorReport totals() const;

  private:
    // How many objects of that age something does name.
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
