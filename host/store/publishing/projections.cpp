#include "store/publishing/projections.h"

namespace imgsrv::store::projections {

Status replace(Transaction& tx, std::string_view step, std::string_view version_id, std::uint32_t row_schema,
               const std::vector<NewRow>& rows) {
    IMGSRV_TRY(tx.exec("DELETE FROM projection_rows WHERE step = $1 AND version_id = $2", {step, version_id}).status());
    for (const auto& row : rows)
        IMGSRV_TRY(
            tx.exec("INSERT INTO projection_rows (step, version_id, key, json, row_schema) VALUES ($1, $2, $3, $4, "
                    "$5)",
                    {step, version_id, row.key, row.json, param(row_schema)})
                .status());
    return {};
}

Status remove_version(Transaction& tx, std::string_view version_id) {
    return tx.exec("DELETE FROM projection_rows WHERE version_id = $1", {version_id}).status();
}

Status visit(Transaction& tx, std::string_view step,
             const std::function<Status(const ports::ProjectionRow&)>& visitor) {
    return tx.query(
        "SELECT i.name, COALESCE(i.display_name, ''), v.version, v.id, r.key, r.json, v.published_us FROM "
        "projection_rows r "
        "JOIN versions v ON v.id = r.version_id JOIN images i ON i.id = v.image_id WHERE r.step = $1 AND v.state = "
        "'published' ORDER BY i.name, v.published_us, v.id, r.key",
        {step}, [&](const ports::Row& row) {
            ports::ProjectionRow r;
            r.image = row.text(0);
            r.display_name = row.text(1);
            r.version = row.text(2);
            r.version_id = row.text(3);
            r.key = row.text(4);
            r.json = row.text(5);
            r.published = from_micros(row.integer(6));
            return visitor(r);
        });
}

Result<std::vector<AliasTarget>> alias_targets(Transaction& tx) {
    std::vector<AliasTarget> list;
    IMGSRV_TRY(
        tx.query("SELECT i.name, v.version, a.alias FROM aliases a JOIN versions v ON v.id = a.version_id JOIN images "
                 "i ON i.id = a.image_id ORDER BY i.name, v.version, a.alias",
                 {}, [&](const ports::Row& row) {
                     Columns c(row);
                     std::string image = c.text();
                     std::string version = c.text();
                     list.push_back({std::move(image), std::move(version), c.text()});
                     return Status();
                 }));
    return list;
}

}  // namespace imgsrv::store::projections
