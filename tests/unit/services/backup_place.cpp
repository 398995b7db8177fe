#include "backup_place.h"

namespace imgsrv::test {

BackupPlace::BackupPlace(const TestClock& clock) : clock_(clock), path_(make_scratch_folder()) {}

BackupPlace::~BackupPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Result<std::shared_ptr<ports::ObjectStore>> BackupPlace::open_objects(const std::filesystem::path& folder,
                                                                      services::FolderUse) {
    return std::shared_ptr<ports::ObjectStore>(store_of(folder));
}

Result<std::unique_ptr<ports::Database>> BackupPlace::open_database(const std::filesystem::path& file) {
    return open_database_file(file);
}

const std::shared_ptr<MemoryStore>& BackupPlace::store_of(const std::filesystem::path& folder) {
    auto& store = stores_[folder];
    if (!store) store = std::make_shared<MemoryStore>(clock_);
    return store;
}

}  // namespace imgsrv::test
