#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/pool.h"

namespace imgsrv::store {

struct CopiedTable {
    std::string name;
    std::uint64_t rows = 0;
};

// Copies everything of a SQLite database into a PostgreSQL database of the same migrations that holds nothing yet: one
// snapshot of the source, one transaction in the target, whose commit is the commit point. Tables and columns are taken
// from the source's schema, so that none is forgotten; the target's rows are counted before the commit. Nothing in the
// source changes. report is told of each table. Returns the tables in the order of their references.
// failed_precondition: the target holds something, or lacks a table; unimplemented: other kinds of databases.
Result<std::vector<CopiedTable>> copy_database(Pool& from, Pool& to, const ports::Call& call,
                                               const std::function<void(const CopiedTable&)>& report);

}  // namespace imgsrv::store
