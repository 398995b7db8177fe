#include "store/uploads/uploads.h"

#include "store/channels.h"
#include "store/rows.h"

namespace imgsrv::store::uploads {
namespace {

#define SESSION_COLUMNS                                                                                               \
    "id, expected_digest, expected_size, media_type_hint, filename_hint, state, expires_us, created_us, "             \
    "(SELECT COALESCE(SUM(p.size), 0) FROM upload_parts p WHERE p.upload_id = upload_sessions.id), failure_message, " \
    "storage_upload_id, hashed_parts, hashed_bytes, hash_state, lease_owner, attempt"

domain::UploadSession read_session(const ports::Row& row) {
    Columns c(row);
    domain::UploadSession s;
    s.id = c.text();
    s.expected_digest = c.text();
    s.expected_size = c.size();
    s.media_type_hint = c.optional_text();
    s.filename_hint = c.optional_text();
    s.state = domain::parse_upload_state(c.text());
    s.expires = c.time();
    s.created = c.time();
    s.bytes_received = c.size();
    s.failure_message = c.optional_text();
    s.storage_upload_id = c.text();
    s.hashed_parts = c.small();
    s.hashed_bytes = c.size();
    s.hash_state = c.text();
    s.lease_owner = c.text();
    s.attempt = c.small();
    return s;
}

Status fenced(const Result<std::uint64_t>& changed, const domain::UploadSession& claimed) {
    if (!changed.ok()) return changed.status();
    if (*changed == 1) return {};
    return {Code::aborted, "upload session " + claimed.id + " is no longer leased to this worker"};
}

}  // namespace

Status insert(Transaction& tx, const domain::UploadSession& s, std::string_view created_by) {
    return tx
        .exec(
            "INSERT INTO upload_sessions (id, expected_digest, expected_size, media_type_hint, filename_hint, state, "
            "storage_upload_id, created_by, created_us, updated_us, expires_us) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)",
            {s.id, s.expected_digest, param(s.expected_size), param(s.media_type_hint), param(s.filename_hint),
             domain::to_string(s.state), s.storage_upload_id, created_by, param(s.created), param(s.expires)})
        .status();
}

Result<domain::UploadSession> find(Transaction& tx, std::string_view id) {
    domain::UploadSession session;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " SESSION_COLUMNS " FROM upload_sessions WHERE id = $1", {id},
                                                 [&](const ports::Row& row) {
                                                     session = read_session(row);
                                                     return Status();
                                                 }));
    if (!found) return Status(Code::not_found, "there is no upload session " + std::string(id));
    return session;
}

Result<std::vector<domain::UploadPart>> parts(Transaction& tx, std::string_view id) {
    return list_rows<domain::UploadPart>(
        tx, "SELECT number, etag, size FROM upload_parts WHERE upload_id = $1 ORDER BY number", {id},
        [](const ports::Row& row) {
            Columns c(row);
            return domain::UploadPart{c.small(), c.text(), c.size()};
        });
}

Result<std::optional<domain::UploadPart>> find_part(Transaction& tx, std::string_view id, std::uint32_t number) {
    std::optional<domain::UploadPart> part;
    IMGSRV_TRY(tx.query("SELECT etag, size FROM upload_parts WHERE upload_id = $1 AND number = $2", {id, param(number)},
                        [&](const ports::Row& row) {
                            Columns c(row);
                            std::string etag = c.text();
                            part = domain::UploadPart{number, std::move(etag), c.size()};
                            return Status();
                        }));
    return part;
}

Status put_part(Transaction& tx, std::string_view id, const domain::UploadPart& part, Time now) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE upload_sessions SET state = 'uploading', updated_us = $2 WHERE id = $1 AND state IN "
                          "('created', 'uploading')",
                          {id, param(now)}));
    if (changed != 1) return {Code::failed_precondition, "upload session " + std::string(id) + " takes no more parts"};
    return tx
        .exec(
            "INSERT INTO upload_parts (upload_id, number, etag, size, received_us) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (upload_id, number) DO UPDATE SET etag = excluded.etag, size = excluded.size, received_us = "
            "excluded.received_us",
            {id, param(part.number), part.etag, param(part.size), param(now)})
        .status();
}

Result<std::uint64_t> record_send(Transaction& tx, std::string_view id, std::uint32_t number) {
    return read_number(tx,
                       "INSERT INTO upload_part_sends (upload_id, number, sends) SELECT id, $2, 1 + (SELECT COUNT(*) "
                       "FROM upload_parts WHERE upload_id = $1 AND number = $2) FROM upload_sessions WHERE id = $1 "
                       "AND state IN ('created', 'uploading') ON CONFLICT (upload_id, number) DO UPDATE SET sends = "
                       "upload_part_sends.sends + 1 RETURNING sends",
                       {id, param(number)});
}

Result<std::uint64_t> count_sent_once(Transaction& tx, std::string_view id, std::uint32_t last) {
    return read_number(tx, "SELECT COUNT(*) FROM upload_part_sends WHERE upload_id = $1 AND number <= $2 AND sends = 1",
                       {id, param(last)});
}

Status remove_part(Transaction& tx, std::string_view id, std::uint32_t number) {
    return tx.exec("DELETE FROM upload_parts WHERE upload_id = $1 AND number = $2", {id, param(number)}).status();
}

Result<bool> advance_hash(Transaction& tx, const domain::UploadSession& from, const domain::UploadSession& to) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE upload_sessions SET hash_state = $4, hashed_parts = $5, hashed_bytes = $6 WHERE id = $1 "
                "AND hashed_parts = $2 AND (hashed_parts = 0 OR hash_state = $3) AND state IN ('created', "
                "'uploading')",
                {to.id, param(from.hashed_parts), ports::Blob(from.hash_state), ports::Blob(to.hash_state),
                 param(to.hashed_parts), param(to.hashed_bytes)}));
    return changed == 1;
}

Status reset_hash(Transaction& tx, std::string_view id) {
    return tx
        .exec("UPDATE upload_sessions SET hash_state = NULL, hashed_parts = 0, hashed_bytes = 0 WHERE id = $1", {id})
        .status();
}

Status keep_parts(Transaction& tx, std::string_view id, const std::vector<domain::UploadPart>& kept) {
    IMGSRV_ASSIGN(const auto all, parts(tx, id));
    std::size_t k = 0;
    for (const auto& part : all) {
        if (k < kept.size() && kept[k].number == part.number) {
            ++k;
            continue;
        }
        IMGSRV_TRY(remove_part(tx, id, part.number));
    }
    return {};
}

Result<bool> set_completed(Transaction& tx, std::string_view id, Time now) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE upload_sessions SET state = 'completed', updated_us = $2, not_before_us = 0 WHERE id = "
                "$1 AND state IN ('created', 'uploading')",
                {id, param(now)}));
    if (changed == 1) IMGSRV_TRY(announce(tx, kUploadsChannel));
    return changed == 1;
}

Result<bool> end(Transaction& tx, std::string_view id, domain::UploadState state, std::string_view failure, Time now) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE upload_sessions SET state = $2, failure_message = $3, hash_state = NULL, updated_us = "
                "$4 WHERE id = $1 AND state IN ('created', 'uploading')",
                {id, domain::to_string(state), failure, param(now)}));
    return changed == 1;
}

Result<bool> abort(Transaction& tx, std::string_view id, Time now) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE upload_sessions SET state = 'aborted', hash_state = NULL, updated_us = $2 WHERE id = "
                          "$1 AND state IN ('created', 'uploading', 'completed')",
                          {id, param(now)}));
    return changed == 1;
}

Result<std::optional<domain::UploadSession>> claim(Transaction& tx, std::string_view owner, Time now, Time lease_until,
                                                   bool skip_locked) {
    const std::string sql =
        "UPDATE upload_sessions SET state = 'ingesting', lease_owner = $1, lease_expires_us = $3, attempt = attempt + "
        "1, "
        "updated_us = $2 WHERE id = (SELECT id FROM upload_sessions WHERE (state = 'completed' AND not_before_us <= "
        "$2) "
        "OR (state = 'ingesting' AND lease_expires_us <= $2) ORDER BY not_before_us, id LIMIT 1" +
        std::string(skip_locked ? " FOR UPDATE SKIP LOCKED" : "") + ") RETURNING " SESSION_COLUMNS;
    std::optional<domain::UploadSession> claimed;
    IMGSRV_TRY(tx.query(sql, {owner, param(now), param(lease_until)}, [&](const ports::Row& row) {
        claimed = read_session(row);
        return Status();
    }));
    return claimed;
}

Status renew(Transaction& tx, const domain::UploadSession& claimed, Time lease_until) {
    return fenced(tx.exec("UPDATE upload_sessions SET lease_expires_us = $4 WHERE id = $1 AND state = 'ingesting' AND "
                          "lease_owner = $2 AND attempt = $3",
                          {claimed.id, claimed.lease_owner, param(claimed.attempt), param(lease_until)}),
                  claimed);
}

Status finish(Transaction& tx, const domain::UploadSession& claimed, domain::UploadState state,
              const std::optional<std::string>& failure, Time now) {
    return fenced(
        tx.exec("UPDATE upload_sessions SET state = $4, failure_message = $5, updated_us = $6, hash_state = NULL, "
                "lease_owner = NULL WHERE id = $1 AND state = 'ingesting' AND lease_owner = $2 AND attempt = $3",
                {claimed.id, claimed.lease_owner, param(claimed.attempt), domain::to_string(state), param(failure),
                 param(now)}),
        claimed);
}

Status hand_back(Transaction& tx, const domain::UploadSession& claimed, Time not_before) {
    return fenced(
        tx.exec("UPDATE upload_sessions SET state = 'completed', lease_owner = NULL, not_before_us = $4 WHERE id "
                "= $1 AND state = 'ingesting' AND lease_owner = $2 AND attempt = $3",
                {claimed.id, claimed.lease_owner, param(claimed.attempt), param(not_before)}),
        claimed);
}

Status end_leases(Transaction& tx, std::string_view node) {
    return tx
        .exec(
            "UPDATE upload_sessions SET lease_expires_us = 0 WHERE state = 'ingesting' AND substr(lease_owner, 1, "
            "length($1)) = $1",
            {node})
        .status();
}

Result<std::vector<domain::UploadSession>> waiting(Transaction& tx) {
    return list_rows<domain::UploadSession>(
        tx, "SELECT " SESSION_COLUMNS " FROM upload_sessions WHERE state IN ('completed', 'ingesting')", {},
        read_session);
}

Result<std::vector<domain::UploadSession>> expired(Transaction& tx, Time now, std::uint32_t max) {
    return list_rows<domain::UploadSession>(tx,
                                            "SELECT " SESSION_COLUMNS
                                            " FROM upload_sessions WHERE expires_us <= $1 AND state IN ('created', "
                                            "'uploading') ORDER BY expires_us LIMIT $2",
                                            {param(now), param(max)}, read_session);
}

Result<std::uint64_t> forget(Transaction& tx, Time before) {
    return tx.exec(
        "DELETE FROM upload_sessions WHERE state IN ('ready', 'failed', 'aborted') AND updated_us < $1 AND expires_us "
        "< $1",
        {param(before)});
}

}  // namespace imgsrv::store::uploads
