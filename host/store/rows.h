#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "store/transaction.h"

namespace imgsrv::store {

// Every row of a query, in order; read makes one T of a row.
template <class T, class Read>
Result<std::vector<T>> list_rows(Transaction& tx, std::string_view sql, Params params, Read read) {
    std::vector<T> list;
    IMGSRV_TRY(tx.query(sql, params, [&](const ports::Row& row) {
        list.push_back(read(row));
        return Status();
    }));
    return list;
}

// The number in the one row of a query; 0 when there is no row.
inline Result<std::uint64_t> read_number(Transaction& tx, std::string_view sql, Params params) {
    std::uint64_t number = 0;
    IMGSRV_TRY(tx.query_one(sql, params, [&](const ports::Row& row) {
                     number = Columns(row).size();
                     return Status();
                 }).status());
    return number;
}

}  // namespace imgsrv::store
