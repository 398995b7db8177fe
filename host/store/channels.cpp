#include "store/channels.h"

namespace imgsrv::store {

Status announce(Transaction& tx, std::string_view channel) {
    if (tx.dialect() != Dialect::postgresql) return {};
    return tx.query("SELECT pg_notify($1, '')", {channel}, nullptr);
}

}  // namespace imgsrv::store
