#include "services/housekeeping/restore.h"

#include <system_error>
#include <utility>

#include "services/housekeeping/store_identity.h"
#include "services/storage_keys.h"
#include "store/housekeeping/snapshot.h"
#include "store/migrations.h"

namespace imgsrv::services {

using store::Transaction;

namespace {

Status cannot(const std::filesystem::path& file, const std::string& what, const std::error_code& why) {
    return {Code::unavailable, "'" + file.string() + "' cannot be " + what + ": " + why.message()};
}

void remove_companions(const std::filesystem::path& database, const BackupMedia& media) {
    std::error_code ec;
    for (const auto& ending : media.companions()) std::filesystem::remove(database.string() + ending, ec);
}

}  // namespace

Restore::Restore(const BackupFolder& backup, const BackupManifest& manifest, const RestoreTarget& target,
                 BackupMedia& media, StorageCopy::Report report, Fsck::Report found)
    : backup_(backup),
      manifest_(manifest),
      target_(target),
      media_(media),
      report_(std::move(report)),
      found_(std::move(found)) {}

Result<RestoreSummary> Restore::run(const ports::Call& call) {
    IMGSRV_TRY(require_empty_target(call));
    IMGSRV_ASSIGN(const auto source, media_.open_objects(backup_.objects(), FolderUse::read));
    IMGSRV_TRY(require_own_objects(call, *source));
    if (!manifest_.store_id.empty())
        IMGSRV_TRY(require_no_other_id(call, target_.objects, target_.objects_place, manifest_.store_id));

    IMGSRV_TRY(place_snapshot());
    RestoreSummary summary;
    {
        IMGSRV_ASSIGN(const auto database, media_.open_database(target_.restoring));
        IMGSRV_ASSIGN(const auto pool, store::Pool::open(*database, {}));
        IMGSRV_TRY(fill(call, *pool, *source, summary));
    }
    IMGSRV_TRY(name_database());
    return summary;
}

Status Restore::require_empty_target(const ports::Call& call) {
    const std::string folder = target_.database.parent_path().string();
    std::error_code ec;
    if (std::filesystem::exists(target_.database, ec))
        return {Code::failed_precondition, "data-dir '" + folder + "' has a database already"};
    // The log of another database would be played into the restored one.
    for (const auto& ending : media_.companions()) {
        const std::filesystem::path left = target_.database.string() + ending;
        const auto size = std::filesystem::file_size(left, ec);
        if (!ec && size > 0)
            return {Code::failed_precondition, "data-dir '" + folder + "' has '" + left.filename().string() +
                                                   "' of a database that is gone; move it away. Nothing was changed"};
    }
    if (std::filesystem::exists(target_.restoring, ec)) return {};  // the blobs are those of the run that died
    IMGSRV_ASSIGN(const auto page, target_.objects.list(call, kBlobPrefix, "", 1));
    if (page.objects.empty()) return {};
    return {Code::failed_precondition, "the object store is not empty; nothing was changed"};
}

// A folder without its objects would be restored to a database without any.
Status Restore::require_own_objects(const ports::Call& call, ports::ObjectStore& source) {
    if (manifest_.store_id.empty()) return {};
    IMGSRV_ASSIGN(const auto found, read_store_id(call, source));
    if (found == manifest_.store_id) return {};
    return {Code::failed_precondition, "the objects in '" + backup_.objects().string() +
                                           "' are not those of this backup: they should have the id " +
                                           manifest_.store_id + ", and have " + found.value_or("none") +
                                           ". Is their disk mounted?"};
}

Status Restore::place_snapshot() {
    remove_companions(target_.restoring, media_);
    std::error_code ec;
    std::filesystem::copy_file(backup_.path() / manifest_.database, target_.restoring,
                               std::filesystem::copy_options::overwrite_existing, ec);
    if (ec) return cannot(target_.restoring, "written", ec);
    IMGSRV_TRY(make_private(target_.restoring));
    return sync_path(target_.restoring);
}

Status Restore::fill(const ports::Call& call, store::Pool& pool, ports::ObjectStore& source, RestoreSummary& summary) {
    IMGSRV_ASSIGN(const auto migrations, store::load_migrations(target_.migrations, pool.dialect()));
    IMGSRV_TRY(store::migrate(pool, call, migrations).status());
    StorageCopyOptions options;
    options.source_may_be_empty = true;
    StorageCopy copy(pool, pool, source, target_.objects, options, report_);
    IMGSRV_ASSIGN(summary.copied, copy.run(call));
    IMGSRV_TRY(pool.write(call, [](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::settle_restored(tx, now);
    }));
    // The store becomes the restored database's: with the id that it had or, if it had none, with a new one.
    StoreIdentity identity(pool, target_.objects, target_.objects_place);
    IMGSRV_TRY(identity.adopt(call, true).status());
    // Not `late`: work that waits is as old as the backup.
    Fsck fsck(pool, target_.objects, identity, {.deep = false, .repair = true, .late = false}, found_);
    IMGSRV_ASSIGN(summary.fsck, fsck.run(call));
    return store::fold_log(pool, call);
}

Status Restore::name_database() {
    IMGSRV_TRY(sync_path(target_.restoring));
    std::error_code ec;
    std::filesystem::rename(target_.restoring, target_.database, ec);
    if (ec) return cannot(target_.restoring, "renamed", ec);
    IMGSRV_TRY(sync_path(target_.database.parent_path()));
    remove_companions(target_.restoring, media_);
    return {};
}

}  // namespace imgsrv::services
