#include "store/housekeeping/consistency.h"

#include "store/channels.h"
#include "store/rows.h"

namespace imgsrv::store::consistency {
Result<std::vector<std::string>> damage(Transaction& tx, bool deep) {
    std::vector<std::string> wrong;
    if (tx.dialect() != Dialect::sqlite) return wrong;
    const auto note = [&](const ports::Row& row) {
        if (row.text(0) != "ok") wrong.emplace_back(row.text(0));
        return Status();
    };
    IMGSRV_TRY(tx.query(deep ? "PRAGMA integrity_check" : "PRAGMA quick_check", {}, note));
    IMGSRV_TRY(tx.query("PRAGMA foreign_key_check", {}, [&](const ports::Row& row) {
        wrong.push_back("a row of " + std::string(row.text(0)) + " names one of " + std::string(row.text(2)) +
                        " that does not exist");
        return Status();
    }));
    return wrong;
}

Result<std::vector<MissingBlob>> published_without_blob(Transaction& tx) {
    return list_rows<MissingBlob>(
        tx,
        "SELECT i.name, v.version, n.digest, n.size FROM (SELECT a.version_id AS version_id, a.blob_digest AS digest, "
        "a.blob_size AS size FROM artifacts a UNION SELECT a.version_id, t.blob_digest, t.blob_size FROM artifacts a "
        "JOIN attachments t ON t.artifact_id = a.id) n JOIN versions v ON v.id = n.version_id JOIN images i ON i.id = "
        "v.image_id WHERE v.state = 'published' AND NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = n.digest AND "
        "b.size = n.size) ORDER BY i.name, v.version, n.digest",
        {}, [](const ports::Row& row) {
            Columns c(row);
            MissingBlob m;
            m.image = c.text();
            m.version = c.text();
            m.digest = c.text();
            m.size = c.size();
            return m;
        });
}

Result<std::vector<LateSession>> late_sessions(Transaction& tx, Time now) {
    return list_rows<LateSession>(
        tx,
        "SELECT id, state, expected_digest, CASE state WHEN 'ingesting' THEN lease_expires_us WHEN 'completed' THEN "
        "updated_us ELSE expires_us END FROM upload_sessions WHERE (state = 'ingesting' AND lease_expires_us <= $1) OR "
        "(state = 'completed' AND updated_us <= $1 AND not_before_us <= $1) OR (state IN ('created', 'uploading') AND "
        "expires_us <= $1) ORDER BY id",
        {param(now - kLate)}, [](const ports::Row& row) {
            Columns c(row);
            LateSession s;
            s.id = c.text();
            s.state = c.text();
            s.digest = c.text();
            s.since = c.time();
            return s;
        });
}

#define JOB_JOINS " FROM publish_jobs j JOIN versions v ON v.id = j.version_id JOIN images i ON i.id = v.image_id "

Result<std::vector<LateStep>> late_steps(Transaction& tx, Time now) {
    return list_rows<LateStep>(
        tx,
        "SELECT j.id, i.name, v.version, s.name, CASE s.state WHEN 'running' THEN s.lease_expires_us ELSE s.queued_us "
        "END" JOB_JOINS
        "JOIN publish_steps s ON s.job_id = j.id WHERE j.state IN ('queued', 'running') AND ((s.state = 'running' AND "
        "s.lease_expires_us <= $1) OR (s.state = 'queued' AND s.queued_us <= $1 AND s.not_before_us <= $1 AND NOT "
        "EXISTS (SELECT 1 FROM publish_steps p WHERE p.job_id = j.id AND p.sequence < s.sequence AND p.state IN "
        "('queued', 'running')) AND NOT EXISTS (SELECT 1 FROM publish_steps p WHERE p.job_id = j.id AND p.finished_us "
        "> $1))) ORDER BY j.id, s.sequence",
        {param(now - kLate)}, [](const ports::Row& row) {
            Columns c(row);
            LateStep s;
            s.job = c.text();
            s.image = c.text();
            s.version = c.text();
            s.step = c.text();
            s.since = c.time();
            return s;
        });
}

Result<std::vector<StuckVersion>> publishing_without_job(Transaction& tx) {
    return list_rows<StuckVersion>(
        tx,
        "SELECT v.id, i.name, v.version FROM versions v JOIN images i ON i.id = v.image_id WHERE v.state = "
        "'publishing' AND NOT EXISTS (SELECT 1 FROM publish_jobs j WHERE j.version_id = v.id AND j.state <> "
        "'abandoned') ORDER BY i.name, v.version",
        {}, [](const ports::Row& row) {
            Columns c(row);
            StuckVersion v;
            v.id = c.text();
            v.image = c.text();
            v.version = c.text();
            return v;
        });
}

Result<std::vector<StuckJob>> jobs_without_work(Transaction& tx) {
    return list_rows<StuckJob>(
        tx,
        "SELECT j.id, i.name, v.version, j.state" JOB_JOINS
        "WHERE (j.state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM publish_steps s WHERE "
        "s.job_id = j.id AND s.state IN ('queued', 'running'))) OR (j.state = 'succeeded' AND "
        "v.state <> 'published') ORDER BY j.id",
        {}, [](const ports::Row& row) {
            Columns c(row);
            StuckJob j;
            j.id = c.text();
            j.image = c.text();
            j.version = c.text();
            j.state = c.text();
            return j;
        });
}

Status fail_job(Transaction& tx, std::string_view id, Time now) {
    return tx
        .exec(
            "UPDATE publish_jobs SET state = 'failed', reason = 'internal', failure_message = 'the job had no step "
            "left "
            "to run; abandon it and publish again', finished_us = $2, updated_us = $2 WHERE id = $1 AND state <> "
            "'abandoned'",
            {id, param(now)})
        .status();
}

Result<std::vector<LostRows>> lost_projections(Transaction& tx) {
    return list_rows<LostRows>(
        tx,
        "SELECT * FROM (SELECT s.id AS step_id, j.id AS job_id, i.name AS image, v.version AS version, s.name AS step, "
        "s.row_count AS expected, (SELECT COUNT(*) FROM projection_rows r WHERE r.step = s.name AND r.version_id = "
        "v.id) AS found" JOB_JOINS
        "JOIN publish_steps s ON s.job_id = j.id WHERE v.state = 'published' AND j.state = 'succeeded' AND s.state = "
        "'succeeded' AND s.row_count IS NOT NULL) n WHERE n.expected <> n.found ORDER BY n.job_id",
        {}, [](const ports::Row& row) {
            Columns c(row);
            LostRows l;
            l.step_id = c.text();
            l.job = c.text();
            l.image = c.text();
            l.version = c.text();
            l.step = c.text();
            l.expected = c.size();
            l.found = c.size();
            return l;
        });
}

Status run_again(Transaction& tx, const LostRows& lost) {
    IMGSRV_TRY(tx.exec("UPDATE publish_steps SET state = 'queued', not_before_us = 0, finished_us = NULL WHERE id = $1 "
                       "AND state = 'succeeded'",
                       {lost.step_id})
                   .status());
    IMGSRV_TRY(tx.exec("UPDATE publish_jobs SET state = 'queued', finished_us = NULL WHERE id = $1 AND state IN "
                       "('succeeded', 'queued')",
                       {lost.job})
                   .status());
    return announce(tx, kJobsChannel);
}

Result<std::vector<LateRemoval>> late_removals(Transaction& tx, Time now, std::uint32_t max) {
    return list_rows<LateRemoval>(
        tx,
        "SELECT storage_key, queued_us FROM object_removals WHERE queued_us <= $1 AND NOT EXISTS "
        "(SELECT 1 FROM removal_holds WHERE until_us > $1) ORDER BY queued_us LIMIT $2",
        {param(now - kLate), param(max)}, [](const ports::Row& row) {
            Columns c(row);
            LateRemoval r;
            r.key = c.text();
            r.since = c.time();
            return r;
        });
}

}  // namespace imgsrv::store::consistency
