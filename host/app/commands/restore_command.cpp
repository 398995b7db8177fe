#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/data_places.h"
#include "app/backends/schema.h"
#include "app/commands/backup_folder.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/copy_objects.h"
#include "app/commands/folder_flags.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/fsck.h"
#include "services/housekeeping/store_identity.h"
#include "services/storage_keys.h"
#include "store/housekeeping/snapshot.h"

namespace imgsrv::app {
namespace {

using store::Transaction;

Status refuse_to_overwrite(const ports::Call& call, const std::filesystem::path& data, bool resumed,
                           ports::ObjectStore& objects) {
    std::error_code ec;
    if (std::filesystem::exists(data / "imgsrv.db", ec))
        return {Code::failed_precondition, "data-dir '" + data.string() + "' has a database already"};
    // SQLite would play what is left of another database into the restored one.
    for (const char* left : {"imgsrv.db-wal", "imgsrv.db-journal"})
        if (std::filesystem::exists(data / left, ec))
            return {Code::failed_precondition, "data-dir '" + data.string() + "' has '" + left +
                                                   "' of a database that is gone; move it away. Nothing was changed"};
    IMGSRV_ASSIGN(const auto page, objects.list(call, services::kBlobPrefix, "", 1));
    if (page.objects.empty() || resumed) return {};
    return {Code::failed_precondition, "the object store is not empty; nothing was changed"};
}

// Before anything is changed: a folder that lacks its objects would be restored to a database without any.
Status require_own_objects(const ports::Call& call, const BackupFolder& folder, const std::string& id,
                           ports::ObjectStore& objects) {
    if (id.empty()) return {};
    IMGSRV_ASSIGN(const auto borne, services::read_store_id(call, objects));
    if (borne == id) return {};
    return {Code::failed_precondition, "the objects in '" + folder.objects().string() +
                                           "' are not those of this backup, whose object store has " + "the id " + id +
                                           ": they bear " + borne.value_or("none") + ". Is their disk mounted?"};
}

Status restore(const FolderFlags& flags) {
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    if (settings.text("database.driver") != "sqlite" || settings.driver_options("database", "sqlite").contains("path"))
        return {Code::failed_precondition, "'imgsrv restore' puts a SQLite database into data-dir; set no other"};
    IMGSRV_TRY(require_apart_to_restore(settings, flags.folder));
    const ports::Call call{"restore", std::nullopt, nullptr};
    const BackupFolder folder(flags.folder);
    IMGSRV_ASSIGN(const auto manifest, folder.read());

    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    Backends target;
    IMGSRV_TRY(lock_data_dir(settings, target.data_lock));
    const std::filesystem::path data = settings.text("data-dir");
    const auto restoring = data / kRestoringDatabase;
    std::error_code ec;
    const bool resumed = std::filesystem::exists(restoring, ec);
    IMGSRV_TRY(open_object_store(settings, registry, settings.text("storage.driver"), target));
    IMGSRV_TRY(refuse_to_overwrite(call, data, resumed, *target.objects));
    IMGSRV_ASSIGN(const auto source, folder.open_objects(registry, FolderUse::read));
    IMGSRV_TRY(require_own_objects(call, folder, manifest.store_id, *source));
    if (!manifest.store_id.empty())
        IMGSRV_TRY(services::require_no_other_id(call, *target.objects, target.objects_place, manifest.store_id));

    for (const char* tail : {"-wal", "-shm"}) std::filesystem::remove(restoring.string() + tail, ec);
    std::filesystem::copy_file(folder.path() / manifest.database, restoring,
                               std::filesystem::copy_options::overwrite_existing, ec);
    if (ec) return {Code::unavailable, "'" + restoring.string() + "' cannot be written: " + ec.message()};
    IMGSRV_TRY(make_private(restoring));
    IMGSRV_TRY(sync_path(restoring));

    IMGSRV_TRY(open_sqlite_file(registry, restoring, target));
    IMGSRV_ASSIGN(const auto known, known_migrations(target));
    IMGSRV_TRY(store::migrate(*target.pool, call, known).status());
    services::StorageCopyOptions options;
    options.source_may_be_empty = true;
    IMGSRV_ASSIGN(const auto copied, copy_objects(call, *target.pool, *target.pool, *source, *target.objects, options));
    for (const auto& fault : copied.faults) std::printf("not restored: %s\n", fault.c_str());
    IMGSRV_TRY(target.pool->write(call, [](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::settle_restored(tx, now);
    }));
    // The store is the restored database's: with the id that it had or, from before there were ids, with a new one.
    services::StoreIdentity identity(*target.pool, *target.objects, target.objects_place);
    IMGSRV_TRY(identity.adopt(call, true).status());
    // Work that waits is as old as the backup.
    services::Fsck fsck(*target.pool, *target.objects, identity, {false, true, false},
                        [](const services::Finding& finding) {
                            std::printf("%s; next: %s\n", finding.what.c_str(), finding.next.c_str());
                        });
    IMGSRV_ASSIGN(const auto summary, fsck.run(call));
    IMGSRV_TRY(store::fold_log(*target.pool, call));
    target.pool.reset();
    target.database.reset();

    // Commit point: from here on the data folder has a database.
    IMGSRV_TRY(sync_path(restoring));
    std::filesystem::rename(restoring, data / "imgsrv.db", ec);
    if (ec) return {Code::unavailable, "'" + restoring.string() + "' cannot be renamed: " + ec.message()};
    IMGSRV_TRY(sync_path(data));
    for (const char* tail : {"-wal", "-shm", ".migrate"}) std::filesystem::remove(restoring.string() + tail, ec);
    std::printf("data-dir %s has %s of %s: the database and %llu objects (%s)\n", data.c_str(), extent(copied),
                manifest.created.c_str(), static_cast<unsigned long long>(copied.done),
                format_size(copied.done_bytes).c_str());
    if (copied.faults.empty() && summary.findings == 0) return {};
    return {Code::data_loss, "what is named above is not in the backup; the server starts without it"};
}

}  // namespace

void add_restore_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand("restore", "Put a backup into a data-dir that is empty");
    command->footer(
        "Exit status: 0 all is restored, 1 not. An object that the backup lacks is named, and the rest is restored.");
    auto flags = std::make_shared<FolderFlags>(*command);
    command->callback([flags, &exit_code] {
        log::set_level(log::Level::warn);
        exit_code = end_with(restore(*flags));
    });
}

}  // namespace imgsrv::app
