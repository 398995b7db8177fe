#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "ports/database.h"
#include "ports/object_store.h"

namespace imgsrv::services {

enum class FolderUse { read, write };

// How the files of a backup are opened, by drivers that services do not know. A result is closed when it is let go.
// [main]
class BackupMedia {
  public:
    virtual ~BackupMedia() = default;

    // The object store in a folder. FolderUse::write makes it where it is absent; read changes nothing and is refused
    // where there is none.
    virtual Result<std::shared_ptr<ports::ObjectStore>> open_objects(const std::filesystem::path& folder,
                                                                     FolderUse use) = 0;
    // The database in a file.
    virtual Result<std::unique_ptr<ports::Database>> open_database(const std::filesystem::path& file) = 0;
    // Endings which, after a database file's name, name the files beside it that belong to it.
    virtual std::vector<std::string> companions() const = 0;
};

}  // namespace imgsrv::services
