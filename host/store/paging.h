#pragma once

#include <string_view>

#include "domain/page.h"
#include "store/transaction.h"

namespace imgsrv::store {

// Reads one page: the statement asks for limit + 1 rows, so that the last one tells whether there are more.
// key gives the sort key of an item, which the next page starts after.
template <class T, class Read, class Key>
Result<domain::Page<T>> paged(Transaction& tx, std::string_view sql, Params params, std::uint32_t limit, Read read,
                              Key key) {
    domain::Page<T> page;
    bool more = false;
    IMGSRV_TRY(tx.query(sql, params, [&](const ports::Row& row) {
        if (page.items.size() == limit)
            more = true;
        else
            page.items.push_back(read(row));
        return Status();
    }));
    if (more) page.next = key(page.items.back());
    return page;
}

}  // namespace imgsrv::store
