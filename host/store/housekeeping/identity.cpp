#include "store/housekeeping/identity.h"

namespace imgsrv::store::identity {

Result<std::optional<KnownStore>> find(Transaction& tx) {
    std::optional<KnownStore> known;
    IMGSRV_TRY(
        tx.query_one("SELECT store_id, placed_us FROM store_identity WHERE id = 1", {}, [&](const ports::Row& row) {
              Columns c(row);
              std::string id = c.text();
              known = KnownStore{std::move(id), c.optional_time().has_value()};
              return Status();
          }).status());
    return known;
}

Status make(Transaction& tx, std::string_view id) {
    return tx.exec("INSERT INTO store_identity (id, store_id) VALUES (1, $1) ON CONFLICT DO NOTHING", {id}).status();
}

Status set_placed(Transaction& tx, Time now) {
    return tx.exec("UPDATE store_identity SET placed_us = $1 WHERE id = 1 AND placed_us IS NULL", {param(now)})
        .status();
}

}  // namespace imgsrv::store::identity
