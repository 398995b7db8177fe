#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <set>

#include "app/backends/data_places.h"
#include "app/backends/stored_data.h"
#include "app/commands/backup_folder.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/copy_objects.h"
#include "app/commands/folder_flags.h"
#include "core/log.h"
#include "core/units.h"
#include "core/uuid.h"
#include "services/housekeeping/removal_hold.h"
#include "services/housekeeping/store_identity.h"
#include "services/storage_keys.h"
#include "store/catalogue/blobs.h"
#include "store/housekeeping/snapshot.h"
#include "store/migrations.h"
#include "store/uploads/uploads.h"

namespace imgsrv::app {
namespace {

using store::Transaction;

constexpr std::uint32_t kPage = 1000;

// Removes from a backup what its rows do not need any more.
Status prune(const ports::Call& call, const std::set<std::string>& needed, ports::ObjectStore& objects) {
    for (const std::string_view prefix : {services::kBlobPrefix, services::kStagingPrefix}) {
        for (std::string after;;) {
            IMGSRV_ASSIGN(const auto page, objects.list(call, prefix, after, kPage));
            for (const auto& object : page.objects) {
                if (!needed.contains(object.key)) IMGSRV_TRY(objects.remove(call, object.key));
                after = object.key;
            }
            if (!page.more || page.objects.empty()) break;
        }
    }
    return {};
}

Result<std::set<std::string>> needed_keys(const ports::Call& call, store::Pool& pool) {
    return pool.read(call, [&](Transaction& tx) -> Result<std::set<std::string>> {
        std::set<std::string> keys;
        IMGSRV_ASSIGN(const auto waiting, store::uploads::waiting(tx));
        for (const auto& session : waiting) keys.insert(services::staging_key(session.id));
        for (std::string after;;) {
            IMGSRV_ASSIGN(const auto page, store::blobs::list(tx, after, kPage));
            for (const auto& blob : page) keys.insert(blob.storage_key);
            if (page.size() < kPage) return keys;
            after = page.back().digest;
        }
    });
}

// The objects of another server's backup would be pruned for those of this one.
Status require_same_origin(const ports::Call& call, const BackupFolder& folder, const std::string& id,
                           ports::ObjectStore& objects) {
    IMGSRV_ASSIGN(const auto borne, services::read_store_id(call, objects));
    if (!borne || borne == id) return {};
    return {Code::failed_precondition, "'" + folder.path().string() +
                                           "' is the backup of another server, whose object store has the id " +
                                           *borne + " and not " + id + "; choose another folder"};
}

Status backup(const FolderFlags& flags) {
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    if (settings.text("database.driver") != "sqlite")
        return {Code::failed_precondition,
                "'imgsrv backup' is for the database sqlite; README.md tells how PostgreSQL and S3 are backed up"};
    IMGSRV_TRY(require_apart_to_back_up(settings, flags.folder));
    const ports::Call call{"backup", std::nullopt, nullptr};
    StoredData data;
    IMGSRV_TRY(open_stored_data(settings, call, ObjectAccess::read, data));
    BackupManifest manifest;
    services::StoreIdentity identity(*data.backends.pool, *data.backends.objects, data.backends.objects_place);
    IMGSRV_ASSIGN(manifest.store_id, identity.check(call));
    BackupFolder folder(flags.folder);
    IMGSRV_TRY(folder.open_to_write());
    IMGSRV_ASSIGN(const auto target, folder.open_objects(data.registry, FolderUse::write));
    IMGSRV_TRY(require_same_origin(call, folder, manifest.store_id, *target));

    // In this order: an object that the snapshot's rows name was not queued for removal before the hold, and is not
    // removed while it lasts.
    IMGSRV_ASSIGN(const auto hold, services::RemovalHold::take(call, *data.backends.pool, "backup"));
    manifest.database = "imgsrv-" + new_uuid() + ".db";
    manifest.program = IMGSRV_VERSION;
    manifest.created = format_rfc3339(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
    // SQLite writes into an empty file as it stands; one of its own would be for everybody to read.
    IMGSRV_TRY(make_private(folder.path() / manifest.database));
    IMGSRV_TRY(store::write_snapshot(*data.backends.pool, call, folder.path() / manifest.database));

    services::StorageCopyProgress copied;
    std::set<std::string> needed;
    {
        Backends snapshot;
        IMGSRV_TRY(open_sqlite_file(data.registry, folder.path() / manifest.database, snapshot));
        const ports::Call work{call.request_id, std::nullopt, hold->token()};
        IMGSRV_ASSIGN(copied,
                      copy_objects(work, *snapshot.pool, *data.backends.pool, *data.backends.objects, *target, {}));
        IMGSRV_ASSIGN(needed, needed_keys(call, *snapshot.pool));
        IMGSRV_ASSIGN(const auto applied, store::applied_migrations(*snapshot.pool, call));
        manifest.migrations = applied.size();
        IMGSRV_TRY(store::fold_log(*snapshot.pool, call));
    }
    IMGSRV_TRY(hold->check());
    manifest.objects = copied.done;
    manifest.bytes = copied.done_bytes;
    manifest.faults = copied.faults.size();
    // Before the manifest, so that each one that names an id is in a folder that bears it.
    IMGSRV_TRY(services::put_store_id(call, *target, folder.objects().string(), manifest.store_id));
    // Commit point: with its manifest the backup is whole.
    IMGSRV_TRY(folder.commit(manifest));
    IMGSRV_TRY(prune(call, needed, *target));
    std::printf("%s has %s of %s: the database and %llu objects (%s), %llu of them new\n", flags.folder.c_str(),
                extent(copied), manifest.created.c_str(), static_cast<unsigned long long>(copied.done),
                format_size(copied.done_bytes).c_str(), static_cast<unsigned long long>(copied.copied));
    for (const auto& fault : copied.faults) std::printf("not in the backup: %s\n", fault.c_str());
    if (copied.faults.empty()) return {};
    return {Code::data_loss,
            std::to_string(copied.faults.size()) +
                " objects could not be had and are not in the backup; 'imgsrv fsck --deep' tells more"};
}

}  // namespace

void add_backup_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand(
        "backup",
        "Copy the SQLite database and every object into a folder, beside the running server; again: what is new");
    command->footer(
        "What DIR has with the right size counts as copied and is not read again: to prove a backup, restore it\n"
        "elsewhere and run 'imgsrv fsck --deep' there. DIR is apart from data-dir and the store.\n"
        "Exit status: 0 all is in the backup, 1 not. An object that cannot be copied is named, and the rest is in it.");
    auto flags = std::make_shared<FolderFlags>(*command);
    command->callback([flags, &exit_code] {
        log::set_level(log::Level::warn);
        exit_code = end_with(backup(*flags));
    });
}

}  // namespace imgsrv::app
