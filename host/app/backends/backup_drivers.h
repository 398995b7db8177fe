#pragma once

#include "app/backends/configured_driver.h"
#include "services/housekeeping/backup_media.h"

namespace imgsrv::app {

// The drivers of a backup's files: the configured database's, and for the objects the one that imgsrv uses when nothing
// is configured, so that every backup has the same form.
class BackupDrivers final : public services::BackupMedia {
  public:
    // failed_precondition: the configured database offers no snapshots, or there is no driver for the objects. The
    // registry outlives this. [main]
    static Result<BackupDrivers> choose(const config::Settings& settings, const plugin::PluginRegistry& registry);

    const ConfiguredDriver& database() const { return database_; }

    Result<std::shared_ptr<ports::ObjectStore>> open_objects(const std::filesystem::path& folder,
                                                             services::FolderUse use) override;
    Result<std::unique_ptr<ports::Database>> open_database(const std::filesystem::path& file) override;
    std::vector<std::string> companions() const override { return database_.local->companions; }

  private:
    BackupDrivers(const plugin::PluginRegistry& registry, ConfiguredDriver database, ConfiguredDriver objects)
        : registry_(registry), database_(std::move(database)), objects_(std::move(objects)) {}

    const plugin::PluginRegistry& registry_;
    ConfiguredDriver database_;
    ConfiguredDriver objects_;
};

}  // namespace imgsrv::app
