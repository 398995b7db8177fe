#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>

#include "app/backup_folder.h"
#include "app/command_end.h"
#include "app/commands.h"
#include "app/data_places.h"
#include "app/progress_line.h"
#include "app/schema.h"
#include "app/settings_flags.h"
#include "app/stored_data.h"
#include "core/log.h"
#include "core/units.h"
#include "core/uuid.h"
#include "services/fsck.h"
#include "services/lease.h"
#include "services/storage_copy.h"
#include "services/storage_keys.h"
#include "services/store_identity.h"
#include "store/blobs.h"
#include "store/collection.h"
#include "store/snapshot.h"
#include "store/uploads.h"

namespace imgsrv::app {
namespace {

using store::Transaction;

constexpr std::uint32_t kPage = 1000;

struct FolderFlags {
    explicit FolderFlags(CLI::App& command) : settings(command) {
        command.add_option("DIR", folder, "the backup's folder")->required();
    }
    SettingsFlags settings;
    std::string folder;
};

Result<std::unique_ptr<ports::ObjectStore>> open_files(const plugin::PluginRegistry& registry,
                                                       const std::filesystem::path& root, bool read_only) {
    std::error_code ec;
    std::filesystem::create_directories(root, ec);
    return plugin::create_object_store(registry, "fs", "backup",
                                       {{"root", {root.string(), "this command"}},
                                        {"read_only", {std::string(read_only ? "true" : "false"), "this command"}}},
                                       {});
}

Status open_sqlite(const plugin::PluginRegistry& registry, const std::filesystem::path& file, Backends& backends) {
    IMGSRV_ASSIGN(backends.database, plugin::create_database(registry, "sqlite", "backup",
                                                             {{"path", {file.string(), "this command"}}}, {}));
    backends.pool = std::make_unique<store::Pool>(*backends.database, store::PoolOptions());
    return {};
}

// With its progress on stderr.
Result<services::StorageCopyProgress> copy_objects(const ports::Call& call, store::Pool& rows, store::Pool& live,
                                                   ports::ObjectStore& from, ports::ObjectStore& to,
                                                   const services::StorageCopyOptions& options) {
    ProgressLine line;
    services::StorageCopy copy(rows, live, from, to, options, std::ref(line));
    auto done = copy.run(call);
    line.end();
    return done;
}

const char* how_much(const services::StorageCopyProgress& copied) {
    return copied.faults.empty() ? "everything" : "what could be had";
}

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

// No object is removed from the store as long as it lives.
class RemovalHold {
  public:
    static Result<std::unique_ptr<RemovalHold>> take(const ports::Call& call, store::Pool& pool) {
        const std::string owner = "backup " + new_uuid();
        IMGSRV_TRY(pool.write(call, [&](Transaction& tx) -> Status {
            IMGSRV_ASSIGN(const Time now, tx.now());
            return store::collection::hold(tx, owner, now + kTime);
        }));
        return std::unique_ptr<RemovalHold>(new RemovalHold(pool, owner));
    }
    ~RemovalHold() {
        lease_.reset();
        static_cast<void>(
            pool_.write(ports::Call(), [&](Transaction& tx) { return store::collection::release(tx, owner_); }));
    }
    RemovalHold(const RemovalHold&) = delete;
    RemovalHold& operator=(const RemovalHold&) = delete;

    CancelToken token() const { return lease_->token(); }
    Status check() const {
        if (!lease_->lost()) return {};
        return {Code::aborted,
                "the server's database could not be reached in time to keep objects from being removed; "
                "run the backup again"};
    }

  private:
    static constexpr auto kTime = 2 * services::kLeaseTime;

    RemovalHold(store::Pool& pool, std::string owner) : pool_(pool), owner_(std::move(owner)) {
        lease_ = std::make_unique<services::LeaseKeeper>(
            [this](std::chrono::steady_clock::time_point deadline) {
                return pool_.write(ports::Call{owner_, deadline, nullptr}, [&](Transaction& tx) -> Status {
                    IMGSRV_ASSIGN(const Time now, tx.now());
                    IMGSRV_ASSIGN(const bool held, store::collection::extend_hold(tx, owner_, now, now + kTime));
                    return held ? Status() : Status(Code::aborted, "the hold ran out");
                });
            },
            nullptr);
    }

    store::Pool& pool_;
    const std::string owner_;
    std::unique_ptr<services::LeaseKeeper> lease_;
};

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
    IMGSRV_ASSIGN(const auto target, open_files(data.registry, folder.objects(), false));
    IMGSRV_TRY(require_same_origin(call, folder, manifest.store_id, *target));

    // In this order: an object that the snapshot's rows name was not queued for removal before the hold, and is not
    // removed while it lasts.
    IMGSRV_ASSIGN(const auto hold, RemovalHold::take(call, *data.backends.pool));
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
        IMGSRV_TRY(open_sqlite(data.registry, folder.path() / manifest.database, snapshot));
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
                how_much(copied), manifest.created.c_str(), static_cast<unsigned long long>(copied.done),
                format_size(copied.done_bytes).c_str(), static_cast<unsigned long long>(copied.copied));
    for (const auto& fault : copied.faults) std::printf("not in the backup: %s\n", fault.c_str());
    if (copied.faults.empty()) return {};
    return {Code::data_loss,
            std::to_string(copied.faults.size()) +
                " objects could not be had and are not in the backup; 'imgsrv fsck --deep' tells more"};
}

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
    IMGSRV_ASSIGN(const auto source, open_files(registry, folder.objects(), true));
    IMGSRV_TRY(require_own_objects(call, folder, manifest.store_id, *source));
    if (!manifest.store_id.empty())
        IMGSRV_TRY(services::require_no_other_id(call, *target.objects, target.objects_place, manifest.store_id));

    for (const char* tail : {"-wal", "-shm"}) std::filesystem::remove(restoring.string() + tail, ec);
    std::filesystem::copy_file(folder.path() / manifest.database, restoring,
                               std::filesystem::copy_options::overwrite_existing, ec);
    if (ec) return {Code::unavailable, "'" + restoring.string() + "' cannot be written: " + ec.message()};
    IMGSRV_TRY(make_private(restoring));
    IMGSRV_TRY(sync_path(restoring));

    IMGSRV_TRY(open_sqlite(registry, restoring, target));
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
    std::printf("data-dir %s has %s of %s: the database and %llu objects (%s)\n", data.c_str(), how_much(copied),
                manifest.created.c_str(), static_cast<unsigned long long>(copied.done),
                format_size(copied.done_bytes).c_str());
    if (copied.faults.empty() && summary.findings == 0) return {};
    return {Code::data_loss, "what is named above is not in the backup; the server starts without it"};
}

}  // namespace

void add_backup_commands(CLI::App& app, int& exit_code) {
    const auto add = [&](const char* name, const char* what, const char* more, Status (*work)(const FolderFlags&)) {
        auto* command = app.add_subcommand(name, what);
        command->footer(more);
        auto flags = std::make_shared<FolderFlags>(*command);
        command->callback([flags, work, &exit_code] {
            log::set_level(log::Level::warn);
            exit_code = end_with(work(*flags));
        });
    };
    add("backup",
        "Copy the SQLite database and every object into a folder, beside the running server; again: what is new",
        "What DIR has with the right size counts as copied and is not read again: to prove a backup, restore it\n"
        "elsewhere and run 'imgsrv fsck --deep' there. DIR is apart from data-dir and the store.\n"
        "Exit status: 0 all is in the backup, 1 not. An object that cannot be copied is named, and the rest is in it.",
        backup);
    add("restore", "Put a backup into a data-dir that is empty",
        "Exit status: 0 all is restored, 1 not. An object that the backup lacks is named, and the rest is restored.",
        restore);
}

}  // namespace imgsrv::app
