#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "ports/object_store.h"
#include "services/housekeeping/backup_folder.h"
#include "services/housekeeping/backup_media.h"
#include "services/housekeeping/removal_hold.h"
#include "services/housekeeping/storage_copy.h"
#include "services/housekeeping/store_identity.h"
#include "store/pool.h"

namespace imgsrv::services {

struct BackupSummary {
    BackupManifest manifest;
    StorageCopyProgress copied;  // its faults: objects that the backup lacks
};

// Copies a database that offers snapshots, and every object that it needs, into a folder, while the server runs. What
// was committed before run() is in the backup. A run that dies leaves the folder's older backup whole; the next run
// continues with the objects that are there.
class Backup {
  public:
    // pool and objects: the server's. program: the version that the manifest names. All outlive this.
    Backup(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, BackupMedia& media,
           std::string program, StorageCopy::Report report);

    // failed_precondition: the object store is not the database's, or the folder holds another server's backup or
    // something else. Objects that cannot be read are in the summary, and the rest is in the backup. [main]
    Result<BackupSummary> run(const ports::Call& call, const std::filesystem::path& folder);

  private:
    Status write_snapshot(const ports::Call& call, const BackupFolder& folder, BackupManifest& manifest);
    // Returns the keys of the objects that the snapshot needs.
    Result<std::set<std::string>> copy_objects(const ports::Call& call, const RemovalHold& hold,
                                               const BackupFolder& folder, ports::ObjectStore& target,
                                               BackupSummary& summary);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    StoreIdentity& identity_;
    BackupMedia& media_;
    const std::string program_;
    const StorageCopy::Report report_;
};

}  // namespace imgsrv::services
