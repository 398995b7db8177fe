#include "app/backends/stored_data.h"

#include <filesystem>

#include "app/backends/schema.h"

namespace imgsrv::app {
namespace {

// A command must not make an empty database where it was pointed at the wrong folder.
Status require_database_file(const config::Settings& settings) {
    if (settings.text("database.driver") != "sqlite") return {};
    if (settings.driver_options("database", "sqlite").contains("path")) return {};
    const auto file = std::filesystem::path(settings.text("data-dir")) / "imgsrv.db";
    std::error_code ec;
    if (std::filesystem::exists(file, ec)) return {};
    return {Code::failed_precondition,
            "there is no database in data-dir '" + settings.text("data-dir") + "'; name its folder with --data-dir"};
}

}  // namespace

Status open_stored_data(const config::Settings& settings, const ports::Call& call, ObjectAccess access,
                        StoredData& data) {
    IMGSRV_TRY(load_drivers(settings, data.registry));
    IMGSRV_TRY(require_database_file(settings));
    IMGSRV_TRY(open_database(settings, data.registry, data.backends, DataDir::shared));
    IMGSRV_TRY(require_current_schema(data.backends, call));

    const std::string& driver = settings.text("storage.driver");
    const bool files = driver == "fs";
    data.objects_writable = access == ObjectAccess::write_if_free;
    if (data.objects_writable && files && !settings.driver_options("storage", "fs").contains("root")) {
        Status free = lock_data_dir(settings, data.backends.data_lock, std::chrono::milliseconds(0));
        data.objects_writable = free.ok();
        if (!free.ok() && free.code() != Code::failed_precondition) return free;
    }
    if (data.objects_writable) {
        Status opened = open_object_store(settings, data.registry, driver, data.backends, DataDir::exclusive);
        // In use: a server has it.
        if (!files || opened.code() != Code::failed_precondition) return opened;
        data.objects_writable = false;
    }
    return open_object_store(settings, data.registry, driver, data.backends, DataDir::shared);
}

}  // namespace imgsrv::app
