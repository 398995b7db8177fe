#include "services/housekeeping/backup.h"

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "core/time.h"
#include "core/uuid.h"
#include "services/storage_keys.h"
#include "store/catalogue/blobs.h"
#include "store/housekeeping/snapshot.h"
#include "store/migrations.h"
#include "store/uploads/uploads.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

constexpr std::uint32_t kBackupPage = 1000;

Result<std::set<std::string>> needed_keys(const ports::Call& call, store::Pool& snapshot) {
    return snapshot.read(call, [&](Transaction& tx) -> Result<std::set<std::string>> {
        std::set<std::string> keys;
        IMGSRV_ASSIGN(const auto waiting, store::uploads::waiting(tx));
        for (const auto& session : waiting) keys.insert(staging_key(session.id));
        for (std::string after;;) {
            IMGSRV_ASSIGN(const auto page, store::blobs::list(tx, after, kBackupPage));
            for (const auto& blob : page) keys.insert(blob.storage_key);
            if (page.size() < kBackupPage) return keys;
            after = page.back().digest;
        }
    });
}

// Removes from a backup the objects that its rows no longer need.
Status prune_backup(const ports::Call& call, const std::set<std::string>& needed, ports::ObjectStore& objects) {
    for (const std::string_view prefix : {kBlobPrefix, kStagingPrefix}) {
        for (std::string after;;) {
            IMGSRV_ASSIGN(const auto page, objects.list(call, prefix, after, kBackupPage));
            for (const auto& object : page.objects) {
                if (!needed.contains(object.key)) IMGSRV_TRY(objects.remove(call, object.key));
                after = object.key;
            }
            if (!page.more || page.objects.empty()) break;
        }
    }
    return {};
}

// The objects of another server's backup would be pruned for those of this one.
Status require_same_origin(const ports::Call& call, const BackupFolder& folder, const std::string& id,
                           ports::ObjectStore& objects) {
    IMGSRV_ASSIGN(const auto found, read_store_id(call, objects));
    if (!found || found == id) return {};
    return {Code::failed_precondition, "'" + folder.path().string() +
                                           "' is the backup of another server, whose object store has the id " +
                                           *found + " and not " + id + "; choose another folder"};
}

}  // namespace

Backup::Backup(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, BackupMedia& media,
               std::string program, StorageCopy::Report report)
    : pool_(pool),
      objects_(objects),
      identity_(identity),
      media_(media),
      program_(std::move(program)),
      report_(std::move(report)) {}

Result<BackupSummary> Backup::run(const ports::Call& call, const std::filesystem::path& path) {
    BackupSummary summary;
    IMGSRV_ASSIGN(summary.manifest.store_id, identity_.check(call));
    BackupFolder folder(path);
    IMGSRV_TRY(folder.open_to_write());
    IMGSRV_ASSIGN(const auto target, media_.open_objects(folder.objects(), FolderUse::write));
    IMGSRV_TRY(require_same_origin(call, folder, summary.manifest.store_id, *target));

    // In this order: an object that the snapshot's rows name was not queued for removal before the hold, and is not
    // removed while it lasts.
    IMGSRV_ASSIGN(const auto hold, RemovalHold::take(call, pool_, "backup"));
    IMGSRV_TRY(write_snapshot(call, folder, summary.manifest));
    IMGSRV_ASSIGN(const auto needed, copy_objects(call, *hold, folder, *target, summary));
    IMGSRV_TRY(hold->check());
    // Before the manifest, so that a manifest with an id always stands beside a store with the same one.
    IMGSRV_TRY(put_store_id(call, *target, folder.objects().string(), summary.manifest.store_id));
    // Commit point: with its manifest the backup is complete.
    IMGSRV_TRY(folder.commit(summary.manifest));
    IMGSRV_TRY(prune_backup(call, needed, *target));
    return summary;
}

Status Backup::write_snapshot(const ports::Call& call, const BackupFolder& folder, BackupManifest& manifest) {
    manifest.database = "imgsrv-" + new_uuid() + ".db";
    manifest.program = program_;
    IMGSRV_ASSIGN(const Time now, pool_.read(call, [](Transaction& tx) { return tx.now(); }));
    manifest.created = format_rfc3339(std::chrono::floor<std::chrono::seconds>(now));
    // An empty file of this mode is written to as it is; one that the database creates could be read by others.
    IMGSRV_TRY(make_private(folder.path() / manifest.database));
    return store::write_snapshot(pool_, call, folder.path() / manifest.database);
}

Result<std::set<std::string>> Backup::copy_objects(const ports::Call& call, const RemovalHold& hold,
                                                   const BackupFolder& folder, ports::ObjectStore& target,
                                                   BackupSummary& summary) {
    BackupManifest& manifest = summary.manifest;
    IMGSRV_ASSIGN(const auto database, media_.open_database(folder.path() / manifest.database));
    IMGSRV_ASSIGN(const auto snapshot, store::Pool::open(*database, {}));
    StorageCopy copy(*snapshot, pool_, objects_, target, {}, report_);
    IMGSRV_ASSIGN(summary.copied, copy.run({call.request_id, std::nullopt, hold.token()}));
    manifest.objects = summary.copied.done;
    manifest.bytes = summary.copied.done_bytes;
    manifest.faults = summary.copied.faults.size();
    IMGSRV_ASSIGN(const auto applied, store::applied_migrations(*snapshot, call));
    manifest.migrations = applied.size();
    IMGSRV_ASSIGN(auto needed, needed_keys(call, *snapshot));
    IMGSRV_TRY(store::fold_log(*snapshot, call));
    return needed;
}

}  // namespace imgsrv::services
