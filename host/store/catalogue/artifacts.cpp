#include "store/catalogue/catalogue.h"

namespace imgsrv::store::catalogue {
namespace {

#define ARTIFACT_COLUMNS \
    "id, version_id, operating_system, architecture, variant, format, blob_digest, blob_size, media_type, created_us"
#define ATTACHMENT_COLUMNS "t.id, t.artifact_id, t.name, t.media_type, t.blob_digest, t.blob_size, t.created_us"

domain::Artifact read_artifact(const ports::Row& row) {
    Columns c(row);
    domain::Artifact a;
    a.id = c.text();
    a.version_id = c.text();
    a.operating_system = c.text();
    a.architecture = c.text();
    a.variant = c.text();
    a.format = c.text();
    a.blob_digest = c.text();
    a.blob_size = c.size();
    a.media_type = c.text();
    a.created = c.time();
    return a;
}

domain::Attachment read_attachment(const ports::Row& row) {
    Columns c(row);
    domain::Attachment t;
    t.id = c.text();
    t.artifact_id = c.text();
    t.name = c.text();
    t.media_type = c.text();
    t.blob_digest = c.text();
    t.blob_size = c.size();
    t.created = c.time();
    return t;
}

}  // namespace

Status insert_artifact(Transaction& tx, const domain::Artifact& a) {
    Status status =
        tx.exec("INSERT INTO artifacts (" ARTIFACT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                {a.id, a.version_id, a.operating_system, a.architecture, a.variant, a.format, a.blob_digest,
                 param(a.blob_size), a.media_type, param(a.created)})
            .status();
    if (status.db_class() == DbClass::unique)
        return {Code::already_exists, "the version already has an artifact for operating_system '" +
                                          a.operating_system + "', architecture '" + a.architecture + "', variant '" +
                                          a.variant + "', format '" + a.format + "'"};
    return status;
}

Result<domain::Artifact> find_artifact(Transaction& tx, std::string_view version_id, std::string_view artifact_id) {
    domain::Artifact artifact;
    IMGSRV_ASSIGN(const bool found,
                  tx.query_one("SELECT " ARTIFACT_COLUMNS " FROM artifacts WHERE id = $1 AND version_id = $2",
                               {artifact_id, version_id}, [&](const ports::Row& row) {
                                   artifact = read_artifact(row);
                                   return Status();
                               }));
    if (!found) return Status(Code::not_found, "the version has no artifact " + std::string(artifact_id.substr(0, 64)));
    return artifact;
}

Result<std::vector<domain::Artifact>> artifacts(Transaction& tx, std::string_view version_id) {
    std::vector<domain::Artifact> list;
    IMGSRV_TRY(tx.query("SELECT " ARTIFACT_COLUMNS " FROM artifacts WHERE version_id = $1 ORDER BY id", {version_id},
                        [&](const ports::Row& row) {
                            list.push_back(read_artifact(row));
                            return Status();
                        }));
    IMGSRV_TRY(tx.query("SELECT " ATTACHMENT_COLUMNS
                        " FROM attachments t JOIN artifacts a ON a.id = t.artifact_id WHERE a.version_id = $1 ORDER BY "
                        "t.artifact_id, t.id",
                        {version_id}, [&](const ports::Row& row) {
                            domain::Attachment t = read_attachment(row);
                            for (auto& artifact : list)
                                if (artifact.id == t.artifact_id) {
                                    artifact.attachments.push_back(std::move(t));
                                    break;
                                }
                            return Status();
                        }));
    return list;
}

Status delete_artifact(Transaction& tx, std::string_view artifact_id) {
    IMGSRV_TRY(tx.exec("DELETE FROM attachments WHERE artifact_id = $1", {artifact_id}).status());
    return tx.exec("DELETE FROM artifacts WHERE id = $1", {artifact_id}).status();
}

Status insert_attachment(Transaction& tx, const domain::Attachment& t) {
    Status status =
        tx.exec(
              "INSERT INTO attachments (id, artifact_id, name, media_type, blob_digest, blob_size, created_us) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7)",
              {t.id, t.artifact_id, t.name, t.media_type, t.blob_digest, param(t.blob_size), param(t.created)})
            .status();
    if (status.db_class() == DbClass::unique)
        return {Code::already_exists, "the artifact already has an attachment '" + t.name + "'"};
    return status;
}

Result<domain::Attachment> find_attachment(Transaction& tx, std::string_view artifact_id, std::string_view id) {
    domain::Attachment attachment;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " ATTACHMENT_COLUMNS
                                                 " FROM attachments t WHERE t.id = $1 AND t.artifact_id = $2",
                                                 {id, artifact_id}, [&](const ports::Row& row) {
                                                     attachment = read_attachment(row);
                                                     return Status();
                                                 }));
    if (!found) return Status(Code::not_found, "the artifact has no attachment " + std::string(id.substr(0, 64)));
    return attachment;
}

Status delete_attachment(Transaction& tx, std::string_view id) {
    return tx.exec("DELETE FROM attachments WHERE id = $1", {id}).status();
}

}  // namespace imgsrv::store::catalogue
