#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/transaction.h"

// Which object store is the database's.
namespace imgsrv::store::identity {

struct KnownStore {
    std::string id;       // 32 hexadecimal digits
    bool placed = false;  // the store has it
};

// None: no server has started on this database.
Result<std::optional<KnownStore>> find(Transaction& tx);
// The first id stays: of several nodes that start together one passes, and all find its id.
Status make(Transaction& tx, std::string_view id);
// From now on the store must have the id.
Status set_placed(Transaction& tx, Time now);

}  // namespace imgsrv::store::identity
