#include "app/backends/stored_data.h"

#include <filesystem>

#include "app/backends/configured_driver.h"
#include "app/backends/schema.h"

namespace imgsrv::app {
namespace {

// A command must not make an empty database where it was pointed at the wrong folder.
Status require_database(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    IMGSRV_ASSIGN(const auto driver,
                  configure_driver(settings, registry, plugin::Kind::database, settings.text("database.driver")));
    std::error_code ec;
    if (!driver.in_data_dir || std::filesystem::exists(driver.place, ec)) return {};
    return {Code::failed_precondition,
            "there is no database in data-dir '" + settings.text("data-dir") + "'; name its folder with --data-dir"};
}

// Takes the object store for this process, unless a server has it.
Status open_if_free(const config::Settings& settings, const ConfiguredDriver& driver, StoredData& data) {
    const bool may_be_taken = driver.local && (driver.in_data_dir || driver.local->one_process);
    if (driver.in_data_dir) {
        Status free = lock_data_dir(settings, data.backends.data_lock, std::chrono::milliseconds(0));
        if (!free.ok()) return free.code() == Code::failed_precondition ? Status() : free;
    }
    Status opened = open_object_store(settings, data.registry, driver.name(), data.backends, DataDir::exclusive);
    data.objects_writable = opened.ok();
    return may_be_taken && opened.code() == Code::failed_precondition ? Status() : opened;
}

}  // namespace

Status open_stored_data(const config::Settings& settings, const ports::Call& call, ObjectAccess access,
                        StoredData& data) {
    IMGSRV_TRY(require_database(settings, data.registry));
    IMGSRV_TRY(open_database(settings, data.registry, data.backends, DataDir::shared));
    IMGSRV_TRY(require_current_schema(data.backends, call));
    IMGSRV_ASSIGN(const auto driver, configure_driver(settings, data.registry, plugin::Kind::object_store,
                                                      settings.text("storage.driver")));
    data.objects_writable = false;
    if (access == ObjectAccess::write_if_free) IMGSRV_TRY(open_if_free(settings, driver, data));
    if (data.objects_writable) return {};
    return open_object_store(settings, data.registry, driver.name(), data.backends, DataDir::shared);
}

}  // namespace imgsrv::app
