#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/housekeeping/backup_media.h"
#include "world/memory_store.h"
#include "world/scratch_database.h"

namespace imgsrv::test {

// Where tests keep backups and restored data: a folder of their own for manifests and databases, and a memory store for
// each folder of objects.
class BackupPlace final : public services::BackupMedia {
  public:
    // The clock outlives this.
    explicit BackupPlace(const TestClock& clock);
    ~BackupPlace() override;
    BackupPlace(const BackupPlace&) = delete;
    BackupPlace& operator=(const BackupPlace&) = delete;

    const std::filesystem::path& path() const { return path_; }
    // The store that open_objects() gives for the folder; made empty when it is asked for first.
    MemoryStore& objects_of(const std::filesystem::path& folder) { return *store_of(folder); }

    Result<std::shared_ptr<ports::ObjectStore>> open_objects(const std::filesystem::path& folder,
                                                             services::FolderUse use) override;
    Result<std::unique_ptr<ports::Database>> open_database(const std::filesystem::path& file) override;
    std::vector<std::string> companions() const override { return {"-wal", "-shm", "-journal", ".migrate"}; }

  private:
    const std::shared_ptr<MemoryStore>& store_of(const std::filesystem::path& folder);

    const TestClock& clock_;
    const std::filesystem::path path_;
    std::map<std::filesystem::path, std::shared_ptr<MemoryStore>> stores_;
};

}  // namespace imgsrv::test
