#include "app/backends/backup_drivers.h"

#include <utility>

#include "plugin/create.h"

namespace imgsrv::app {
namespace {

constexpr const char* kBackupOrigin = "this command";

}  // namespace

Result<BackupDrivers> BackupDrivers::choose(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    IMGSRV_ASSIGN(auto database,
                  configure_driver(settings, registry, plugin::Kind::database, settings.text("database.driver")));
    if (!database.local || !database.local->snapshot)
        return Status(Code::failed_precondition,
                      "imgsrv makes no backup of a database of the driver '" + database.name() +
                          "': use the database's own tools; README.md tells how, and in which order");
    IMGSRV_ASSIGN(auto objects, configure_driver(settings, registry, plugin::Kind::object_store,
                                                 std::string(config::default_of("storage.driver"))));
    if (!objects.local || !objects.local->folder)
        return Status(Code::failed_precondition,
                      "the driver '" + objects.name() + "' cannot keep a backup's objects: its data is no folder");
    return BackupDrivers(registry, std::move(database), std::move(objects));
}

Result<std::shared_ptr<ports::ObjectStore>> BackupDrivers::open_objects(const std::filesystem::path& folder,
                                                                        services::FolderUse use) {
    const plugin::LocalData& local = *objects_.local;
    plugin::OptionValues options = {{local.place_option, {folder.string(), kBackupOrigin}}};
    if (use == services::FolderUse::read && !local.read_only_option.empty())
        options[local.read_only_option] = {"true", kBackupOrigin};
    IMGSRV_ASSIGN(auto store, plugin::create_object_store(registry_, objects_.name(), "backup", options, {}));
    return std::shared_ptr<ports::ObjectStore>(std::move(store));
}

Result<std::unique_ptr<ports::Database>> BackupDrivers::open_database(const std::filesystem::path& file) {
    return plugin::create_database(registry_, database_.name(), "backup",
                                   {{database_.local->place_option, {file.string(), kBackupOrigin}}}, {});
}

}  // namespace imgsrv::app
