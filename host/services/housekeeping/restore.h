#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "ports/object_store.h"
#include "services/housekeeping/backup_folder.h"
#include "services/housekeeping/backup_media.h"
#include "services/housekeeping/fsck.h"
#include "services/housekeeping/storage_copy.h"
#include "store/pool.h"

namespace imgsrv::services {

// Where a backup is restored to.
struct RestoreTarget {
    std::filesystem::path database;    // the file that the database becomes; absent so far
    std::filesystem::path restoring;   // beside it: the database while it is put together
    std::filesystem::path migrations;  // the program's
    ports::ObjectStore& objects;       // without blobs so far
    std::string objects_place;         // for people
};

struct RestoreSummary {
    StorageCopyProgress copied;  // its faults: objects that are not restored
    FsckSummary fsck;
};

// Puts a backup into a folder that has no database and a store that has no blobs. Until the commit point, where the
// database gets its name, no server starts on what is there; a run that died is continued by the next one. Uploads that
// were not complete at snapshot time are aborted, and the database is brought up to this program's schema.
class Restore {
  public:
    // backup: was read into manifest. found: told what is wrong with the restored data. All outlive this.
    Restore(const BackupFolder& backup, const BackupManifest& manifest, const RestoreTarget& target, BackupMedia& media,
            StorageCopy::Report report, Fsck::Report found);

    // failed_precondition, with no change: there is a database, or something left of one; the store has blobs; or the
    // backup's folder has other objects than its own. Objects that cannot be restored are in the summary, and the rest
    // is restored. [main]
    Result<RestoreSummary> run(const ports::Call& call);

  private:
    Status require_empty_target(const ports::Call& call);
    Status require_own_objects(const ports::Call& call, ports::ObjectStore& source);
    Status place_snapshot();
    Status fill(const ports::Call& call, store::Pool& pool, ports::ObjectStore& source, RestoreSummary& summary);
    // The commit point.
    Status name_database();

    const BackupFolder& backup_;
    const BackupManifest& manifest_;
    const RestoreTarget& target_;
    BackupMedia& media_;
    const StorageCopy::Report report_;
    const Fsck::Report found_;
};

}  // namespace imgsrv::services
