#pragma once

#include <filesystem>
#include <memory>

#include "ports/database.h"

namespace imgsrv::test {

// A new database of this project's schema: the plugin database_sqlite on a file in memory. Every migration is applied
// once in a process; each database begins as a copy, which takes about a millisecond. Throws when it cannot be made.
class ScratchDatabase {
  public:
    ScratchDatabase();
    ~ScratchDatabase();
    ScratchDatabase(const ScratchDatabase&) = delete;
    ScratchDatabase& operator=(const ScratchDatabase&) = delete;

    ports::Database& driver() { return *driver_; }

  private:
    const std::filesystem::path folder_;
    std::unique_ptr<ports::Database> driver_;
};

// A new folder, in memory where there is such a file system; the caller removes it.
std::filesystem::path make_scratch_folder();
// The database in a file, by the plugin database_sqlite; the file is made when it is absent. Throws when it cannot be
// opened.
std::unique_ptr<ports::Database> open_database_file(const std::filesystem::path& file);

}  // namespace imgsrv::test
