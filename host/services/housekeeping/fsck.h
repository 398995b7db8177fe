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
    bool repair = false;  // fix what can be fixed in the database; the server may run
    bool late = true;     // report work that no worker has taken up, too
};

// One thing that is wrong.
struct Finding {
    std::string what;  // names the digest, version, job or session
    std::string next;  // what the operator should do, or what was done
    bool repaired = false;
};

struct FsckSummary {
    std::uint64_t blobs = 0;  // looked at
    std::uint64_t bytes = 0;  // of those
    std::uint64_t findings = 0;
    std::uint64_t repaired = 0;
};

// Checks that everything the database promises is there and nothing is stuck: each trusted blob's object and size
// (deep: its digest, too), objects without a row, stuck uploads, jobs and versions, lost projections, and the database
// itself. Runs beside the server.
//
// repair marks damaged blobs, so that they are not served and can be uploaded again, and unmarks those that are sound
// after all (deep); queues objects without a row for removal; returns versions that no job publishes to draft; fails
// jobs that have nothing to run; and runs steps again whose rows are lost.
class Fsck {
  public:
    using Report = std::function<void(const Finding&)>;

    Fsck(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, FsckOptions options, Report report);

    // Not OK: it could not check everything, or the store is not the database's and it checked nothing. A single
    // unreadable object in a healthy store is a finding.
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
