#include "store/catalogue/catalogue.h"

#include "store/channels.h"
#include "store/paging.h"

namespace imgsrv::store::catalogue {
namespace {

#define IMAGE_COLUMNS "i.id, i.name, i.display_name, i.description, i.created_us, i.updated_us"
#define VERSION_COLUMNS "v.id, v.image_id, v.version, v.state, v.published_us, v.created_us, v.updated_us"
#define ALIAS_COLUMNS "a.id, a.image_id, a.alias, a.version_id, v.version, a.created_us, a.updated_us"

domain::Image read_image(const ports::Row& row) {
    Columns c(row);
    domain::Image i;
    i.id = c.text();
    i.name = c.text();
    i.display_name = c.optional_text();
    i.description = c.optional_text();
    i.created = c.time();
    i.updated = c.time();
    return i;
}

domain::Version read_version(const ports::Row& row) {
    Columns c(row);
    domain::Version v;
    v.id = c.text();
    v.image_id = c.text();
    v.version = c.text();
    v.state = domain::parse_version_state(c.text());
    v.published = c.optional_time();
    v.created = c.time();
    v.updated = c.time();
    return v;
}

domain::Alias read_alias(const ports::Row& row) {
    Columns c(row);
    domain::Alias a;
    a.id = c.text();
    a.image_id = c.text();
    a.alias = c.text();
    a.version_id = c.text();
    a.version = c.text();
    a.created = c.time();
    a.updated = c.time();
    return a;
}

}  // namespace

Result<std::int64_t> generation(Transaction& tx) {
    std::int64_t value = 0;
    IMGSRV_TRY(tx.query("SELECT generation FROM catalogue_generation WHERE id = 1", {}, [&](const ports::Row& row) {
        value = row.integer(0);
        return Status();
    }));
    return value;
}

Status bump_generation(Transaction& tx) {
    IMGSRV_TRY(tx.exec("UPDATE catalogue_generation SET generation = generation + 1 WHERE id = 1").status());
    return announce(tx, kCatalogueChannel);
}

Status insert_image(Transaction& tx, const domain::Image& i) {
    Status taken(Code::already_exists, "there is already an image '" + i.name + "'");
    // Checked first, because the trigger against INSERT OR REPLACE fires before the constraint.
    IMGSRV_ASSIGN(const bool exists, tx.query_one("SELECT 1 FROM images WHERE name = $1", {i.name},
                                                  [](const ports::Row&) { return Status(); }));
    if (exists) return taken;
    Status status = tx.exec(
                          "INSERT INTO images (id, name, display_name, description, created_us, updated_us) VALUES "
                          "($1, $2, $3, $4, "
                          "$5, $5)",
                          {i.id, i.name, param(i.display_name), param(i.description), param(i.created)})
                        .status();
    return status.db_class() == DbClass::unique ? taken : status;
}

Result<domain::Image> find_image(Transaction& tx, std::string_view name) {
    domain::Image image;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " IMAGE_COLUMNS " FROM images i WHERE i.name = $1", {name},
                                                 [&](const ports::Row& row) {
                                                     image = read_image(row);
                                                     return Status();
                                                 }));
    if (!found) return Status(Code::not_found, "there is no image '" + std::string(name) + "'");
    return image;
}

Result<bool> has_published_version(Transaction& tx, std::string_view image_id) {
    return tx.query_one("SELECT 1 FROM versions WHERE image_id = $1 AND state = 'published' LIMIT 1", {image_id},
                        [](const ports::Row&) { return Status(); });
}

Result<domain::Page<domain::Image>> published_images(Transaction& tx, const domain::PageRequest& page) {
    return paged<domain::Image>(
        tx,
        "SELECT " IMAGE_COLUMNS
        " FROM images i WHERE i.name > $1 AND EXISTS (SELECT 1 FROM versions v WHERE v.image_id = i.id AND v.state = "
        "'published') ORDER BY i.name LIMIT $2",
        {page.after, param(page.limit + 1)}, page.limit, read_image, [](const domain::Image& i) { return i.name; });
}

Status insert_version(Transaction& tx, std::string_view image, const domain::Version& v) {
    // Checked first, because the trigger against INSERT OR REPLACE fires before the constraint.
    IMGSRV_ASSIGN(const bool exists, tx.query_one("SELECT 1 FROM versions WHERE image_id = $1 AND version = $2",
                                                  {v.image_id, v.version}, [](const ports::Row&) { return Status(); }));
    Status status;
    if (!exists)
        status =
            tx.exec(
                  "INSERT INTO versions (id, image_id, version, state, created_us, updated_us) VALUES ($1, $2, $3, "
                  "'draft', $4, $4)",
                  {v.id, v.image_id, v.version, param(v.created)})
                .status();
    if (exists || status.db_class() == DbClass::unique)
        return {Code::already_exists, "there is already a version " + std::string(image) + " " + v.version};
    return status;
}

Result<domain::Version> find_version(Transaction& tx, const domain::Image& image, std::string_view version) {
    domain::Version v;
    IMGSRV_ASSIGN(const bool found,
                  tx.query_one("SELECT " VERSION_COLUMNS " FROM versions v WHERE v.image_id = $1 AND v.version = $2",
                               {image.id, version}, [&](const ports::Row& row) {
                                   v = read_version(row);
                                   return Status();
                               }));
    if (!found)
        return Status(Code::not_found,
                      "there is no version '" + std::string(version) + "' of image '" + image.name + "'");
    return v;
}

Result<std::optional<domain::Version>> version_of_alias(Transaction& tx, const domain::Image& image,
                                                        std::string_view alias) {
    std::optional<domain::Version> found;
    IMGSRV_TRY(tx.query("SELECT " VERSION_COLUMNS
                        " FROM aliases a JOIN versions v ON v.id = a.version_id WHERE a.image_id = $1 AND a.alias = $2",
                        {image.id, alias}, [&](const ports::Row& row) {
                            found = read_version(row);
                            return Status();
                        }));
    return found;
}

Result<domain::Page<domain::Version>> published_versions(Transaction& tx, const domain::Image& image,
                                                         const domain::PageRequest& page) {
    return paged<domain::Version>(
        tx,
        "SELECT " VERSION_COLUMNS
        " FROM versions v WHERE v.image_id = $1 AND v.state = 'published' AND v.id > $2 ORDER BY "
        "v.id LIMIT $3",
        {image.id, page.after, param(page.limit + 1)}, page.limit, read_version,
        [](const domain::Version& v) { return v.id; });
}

Result<bool> set_version_state(Transaction& tx, std::string_view version_id, domain::VersionState from,
                               domain::VersionState to, Time now) {
    const ports::Param published = to == domain::VersionState::published ? param(now) : ports::Param(std::monostate());
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE versions SET state = $3, published_us = $4, updated_us = $5 WHERE id = $1 AND state = $2",
                {version_id, domain::to_string(from), domain::to_string(to), published, param(now)}));
    return changed == 1;
}

Result<bool> is_published(Transaction& tx, std::string_view version_id) {
    return tx.query_one("SELECT 1 FROM versions WHERE id = $1 AND state = 'published'", {version_id},
                        [](const ports::Row&) { return Status(); });
}

Status delete_draft(Transaction& tx, std::string_view version_id) {
    for (const std::string_view sql :
         {"DELETE FROM attachments WHERE artifact_id IN (SELECT id FROM artifacts WHERE version_id = $1)",
          "DELETE FROM artifacts WHERE version_id = $1", "DELETE FROM projection_rows WHERE version_id = $1",
          "DELETE FROM publish_jobs WHERE version_id = $1 AND state = 'abandoned'",
          "DELETE FROM versions WHERE id = $1"})
        IMGSRV_TRY(tx.exec(sql, {version_id}).status());
    return {};
}

Result<domain::Page<domain::Alias>> aliases(Transaction& tx, const domain::Image& image,
                                            const domain::PageRequest& page) {
    return paged<domain::Alias>(
        tx,
        "SELECT " ALIAS_COLUMNS
        " FROM aliases a JOIN versions v ON v.id = a.version_id WHERE a.image_id = $1 AND a.alias > "
        "$2 ORDER BY a.alias LIMIT $3",
        {image.id, page.after, param(page.limit + 1)}, page.limit, read_alias,
        [](const domain::Alias& a) { return a.alias; });
}

Result<domain::Alias> find_alias(Transaction& tx, const domain::Image& image, std::string_view alias) {
    domain::Alias a;
    IMGSRV_ASSIGN(const bool found,
                  tx.query_one("SELECT " ALIAS_COLUMNS " FROM aliases a JOIN versions v ON v.id = a.version_id WHERE "
                               "a.image_id = $1 AND a.alias = $2",
                               {image.id, alias}, [&](const ports::Row& row) {
                                   a = read_alias(row);
                                   return Status();
                               }));
    if (!found)
        return Status(Code::not_found, "there is no alias '" + std::string(alias) + "' of image '" + image.name + "'");
    return a;
}

Result<bool> put_alias(Transaction& tx, const domain::Alias& a) {
    IMGSRV_ASSIGN(const auto moved,
                  tx.exec("UPDATE aliases SET version_id = $3, updated_us = $4 WHERE image_id = $1 AND alias = $2",
                          {a.image_id, a.alias, a.version_id, param(a.updated)}));
    if (moved == 1) return false;
    // If another node creates it in between, this moves it.
    IMGSRV_TRY(
        tx.exec("INSERT INTO aliases (id, image_id, alias, version_id, created_us, updated_us) VALUES ($1, $2, $3, "
                "$4, $5, $5) ON CONFLICT (image_id, alias) DO UPDATE SET version_id = excluded.version_id, "
                "updated_us = excluded.updated_us",
                {a.id, a.image_id, a.alias, a.version_id, param(a.updated)})
            .status());
    return true;
}

Status delete_alias(Transaction& tx, std::string_view alias_id) {
    return tx.exec("DELETE FROM aliases WHERE id = $1", {alias_id}).status();
}

}  // namespace imgsrv::store::catalogue
