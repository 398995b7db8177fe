#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "domain/catalogue.h"
#include "ports/object_store.h"
#include "services/housekeeping/object_faults.h"
#include "services/housekeeping/store_identity.h"
#include "store/pool.h"

namespace imgsrv::services {

struct FsckOptions {
    bool deep = false;    // read every byte
    bool repair = false;  // mend what can be mended by rows; the server may run meanwhile
    bool late = true;     // tell of work that nobody takes up, too
};

// One thing that is wrong.
struct Finding {
    std::string what;  // names the digest, version, job or session
    std::string next;  // what the operator does about it; or what was done
    bool repaired = false;
};

struct FsckSummary {
    std::uint64_t blobs = 0;  // looked at
    std::uint64_t bytes = 0;  // of those
    std::uint64_t findings = 0;
    std::uint64_t repaired = 0;
};

// Looks whether everything that the database promises is there, and nothing stands still: each trusted blob's object
// with its size (deep: and its digest), objects that nothing names, stuck uploads, jobs and versions, lost projections,
// and the database's own state. Runs beside the server.
//
// What repair does: marks blobs that are damaged, so that they are not served and can be uploaded again, and takes the
// mark off those that are sound after all (deep); queues objects that nothing names for removal; returns versions that
// no job publishes to draft; fails jobs that have nothing to run; and runs steps again whose rows are lost.
class Fsck {
  public:
    using Report = std::function<void(const Finding&)>;

    Fsck(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, FsckOptions options, Report report);

    // A status that is not OK: it could not look at everything, or not at all, for the store is not the database's. A
    // single object that cannot be read, while the store is well, is a finding.
    Result<FsckSummary> run(const ports::Call& call);

  private:
    Status check_database(const ports::Call& call);
    Status check_blobs(const ports::Call& call);
    Status check_blob_of(const ports::Call& call, const domain::Blob& blob);
    Status check_orphans(const ports::Call& call);
    Status check_uploads(const ports::Call& call);
    Status check_jobs(const ports::Call& call);
    Status check_projections(const ports::Call& call);
    void tell(std::string what, std::string next, bool repaired = false);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    StoreIdentity& identity_;
    const FsckOptions options_;
    const Report report_;
    ObjectFaults faults_;
    FsckSummary summary_;
};

}  // namespace imgsrv::services
