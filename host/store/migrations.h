#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "store/pool.h"

namespace imgsrv::store {

struct Migration {
    int number = 0;
    std::string name;      // "initial" of 0001_initial.sql
    std::string checksum;  // SHA-256 of the file, hex
    std::string sql;
};

struct AppliedMigration {
    int number = 0;
    std::string name;
    std::string checksum;
    Time applied;
};

// The numbered files of <directory>/<dialect>/, in order. invalid_argument when a number is missing or stands twice.
Result<std::vector<Migration>> load_migrations(const std::filesystem::path& directory, Dialect dialect);

// What the database has; empty for a new one.
Result<std::vector<AppliedMigration>> applied_migrations(Pool& pool, const ports::Call& call);

// Brings the database up to date. Each migration and its record are one transaction, under a lock that one process
// holds at a time, so that several nodes can start together. Returns how many were applied.
// failed_precondition: the database is newer than this program, or an applied file was changed.
Result<int> migrate(Pool& pool, const ports::Call& call, const std::vector<Migration>& migrations);

}  // namespace imgsrv::store
