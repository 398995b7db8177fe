#include "store/publishing/publishing.h"

#include "store/channels.h"
#include "store/paging.h"

namespace imgsrv::store::publishing {
namespace {

#define JOB_COLUMNS                                                                                              \
    "j.id, j.version_id, i.name, v.version, j.state, j.failed_step, j.reason, j.failure_message, j.started_us, " \
    "j.finished_us, j.created_us, j.updated_us"
#define JOB_TABLES " FROM publish_jobs j JOIN versions v ON v.id = j.version_id JOIN images i ON i.id = v.image_id "
#define STEP_COLUMNS                                                                                         \
    "id, job_id, name, state, blocking, sequence, attempt_count, started_us, finished_us, failure_message, " \
    "progress_done, progress_total"

domain::PublishJob read_job(const ports::Row& row) {
    Columns c(row);
    domain::PublishJob j;
    j.id = c.text();
    j.version_id = c.text();
    j.image_name = c.text();
    j.version = c.text();
    j.state = domain::parse_job_state(c.text());
    j.failed_step = c.optional_text();
    j.reason = c.optional_text();
    j.failure_message = c.optional_text();
    j.started = c.optional_time();
    j.finished = c.optional_time();
    j.created = c.time();
    j.updated = c.time();
    return j;
}

domain::PublishStep read_step(const ports::Row& row) {
    Columns c(row);
    domain::PublishStep s;
    s.id = c.text();
    s.job_id = c.text();
    s.name = c.text();
    s.state = domain::parse_step_state(c.text());
    s.blocking = c.flag();
    s.sequence = c.small();
    s.attempt_count = c.small();
    s.started = c.optional_time();
    s.finished = c.optional_time();
    s.failure_message = c.optional_text();
    s.progress_done = c.size();
    s.progress_total = c.size();
    return s;
}

Status read_steps(Transaction& tx, domain::PublishJob& job) {
    return tx.query("SELECT " STEP_COLUMNS " FROM publish_steps WHERE job_id = $1 ORDER BY sequence", {job.id},
                    [&](const ports::Row& row) {
                        job.steps.push_back(read_step(row));
                        return Status();
                    });
}

Status fenced(const Result<std::uint64_t>& changed, const ClaimedStep& claimed) {
    if (!changed.ok()) return changed.status();
    if (*changed == 1) return {};
    return {Code::aborted, "step " + claimed.step.name + " of publish job " + claimed.step.job_id +
                               " is no longer leased to this worker"};
}

#define FENCE " WHERE id = $1 AND state = 'running' AND lease_owner = $2 AND attempt_count = $3"

}  // namespace

Status insert_job(Transaction& tx, const domain::PublishJob& job) {
    IMGSRV_TRY(
        tx.exec("INSERT INTO publish_jobs (id, version_id, state, created_us, updated_us) VALUES ($1, $2, $3, $4, $4)",
                {job.id, job.version_id, domain::to_string(job.state), param(job.created)})
            .status());
    for (const auto& step : job.steps)
        IMGSRV_TRY(
            tx.exec("INSERT INTO publish_steps (id, job_id, name, sequence, blocking, state, queued_us) VALUES ($1, "
                    "$2, $3, $4, $5, $6, $7)",
                    {step.id, job.id, step.name, param(step.sequence), std::int64_t{step.blocking},
                     domain::to_string(step.state), param(job.created)})
                .status());
    return announce(tx, kJobsChannel);
}

Result<domain::PublishJob> find_job(Transaction& tx, std::string_view id) {
    domain::PublishJob job;
    IMGSRV_ASSIGN(const bool found,
                  tx.query_one("SELECT " JOB_COLUMNS JOB_TABLES "WHERE j.id = $1", {id}, [&](const ports::Row& row) {
                      job = read_job(row);
                      return Status();
                  }));
    if (!found) return Status(Code::not_found, "there is no publish job " + std::string(id.substr(0, 64)));
    IMGSRV_TRY(read_steps(tx, job));
    return job;
}

Result<std::optional<domain::PublishJob>> live_job(Transaction& tx, std::string_view version_id) {
    std::optional<domain::PublishJob> job;
    IMGSRV_TRY(tx.query("SELECT " JOB_COLUMNS JOB_TABLES "WHERE j.version_id = $1 AND j.state <> 'abandoned'",
                        {version_id}, [&](const ports::Row& row) {
                            job = read_job(row);
                            return Status();
                        }));
    if (job) IMGSRV_TRY(read_steps(tx, *job));
    return job;
}

Result<domain::Page<domain::PublishJob>> jobs(Transaction& tx, std::optional<domain::JobState> state,
                                              const domain::PageRequest& page) {
    const std::string_view wanted = state ? domain::to_string(*state) : std::string_view();
    auto list = paged<domain::PublishJob>(
        tx,
        "SELECT " JOB_COLUMNS JOB_TABLES
        "WHERE ($1 = '' OR j.state = $1) AND ($2 = '' OR j.id < $2) ORDER BY j.id DESC LIMIT $3",
        {wanted, page.after, param(page.limit + 1)}, page.limit, read_job,
        [](const domain::PublishJob& j) { return j.id; });
    if (list.ok())
        for (auto& job : list->items) IMGSRV_TRY(read_steps(tx, job));
    return list;
}

Result<std::optional<ClaimedStep>> claim(Transaction& tx, std::string_view owner, Time now, Time lease_until,
                                         bool skip_locked) {
    const std::string sql =
        "UPDATE publish_steps SET state = 'running', lease_owner = $1, lease_expires_us = $3, attempt_count = "
        "attempt_count + 1, started_us = COALESCE(started_us, $2), failure_message = NULL WHERE id = (SELECT s.id FROM "
        "publish_steps s JOIN publish_jobs j ON j.id = s.job_id WHERE j.state IN ('queued', 'running') AND ((s.state = "
        "'queued' AND s.not_before_us <= $2) OR (s.state = 'running' AND s.lease_expires_us <= $2)) AND NOT EXISTS "
        "(SELECT 1 FROM publish_steps p WHERE p.job_id = s.job_id AND p.sequence < s.sequence AND (p.state IN "
        "('queued', "
        "'running') OR (p.state = 'failed' AND p.blocking = 1))) ORDER BY s.not_before_us, s.id LIMIT 1" +
        std::string(skip_locked ? " FOR UPDATE OF s SKIP LOCKED" : "") + ") RETURNING " STEP_COLUMNS;
    std::optional<ClaimedStep> claimed;
    IMGSRV_TRY(tx.query(sql, {owner, param(now), param(lease_until)}, [&](const ports::Row& row) {
        claimed.emplace();
        claimed->step = read_step(row);
        claimed->lease_owner = owner;
        return Status();
    }));
    if (!claimed) return claimed;
    IMGSRV_TRY(
        tx.exec("UPDATE publish_jobs SET state = 'running', started_us = COALESCE(started_us, $2), updated_us = $2 "
                "WHERE id = $1 AND state IN ('queued', 'running')",
                {claimed->step.job_id, param(now)})
            .status());
    IMGSRV_TRY(tx.query("SELECT v.id, v.image_id, i.name, v.version" JOB_TABLES "WHERE j.id = $1",
                        {claimed->step.job_id}, [&](const ports::Row& row) {
                            Columns c(row);
                            claimed->version_id = c.text();
                            claimed->image_id = c.text();
                            claimed->image_name = c.text();
                            claimed->version = c.text();
                            return Status();
                        }));
    return claimed;
}

Status renew(Transaction& tx, const ClaimedStep& c, Time lease_until, std::uint64_t done, std::uint64_t total) {
    return fenced(
        tx.exec("UPDATE publish_steps SET lease_expires_us = $4, progress_done = $5, progress_total = $6" FENCE,
                {c.step.id, c.lease_owner, param(c.step.attempt_count), param(lease_until), param(done), param(total)}),
        c);
}

Status finish_step(Transaction& tx, const ClaimedStep& c, domain::StepState state,
                   const std::optional<std::string>& failure, Time now) {
    return fenced(
        tx.exec("UPDATE publish_steps SET state = $4, failure_message = $5, finished_us = $6, lease_owner = NULL, "
                "progress_done = progress_total" FENCE,
                {c.step.id, c.lease_owner, param(c.step.attempt_count), domain::to_string(state), param(failure),
                 param(now)}),
        c);
}

Status set_row_count(Transaction& tx, const ClaimedStep& c, std::uint64_t rows) {
    return tx.exec("UPDATE publish_steps SET row_count = $2 WHERE id = $1", {c.step.id, param(rows)}).status();
}

Status requeue_step(Transaction& tx, const ClaimedStep& c, const std::optional<std::string>& why, Time not_before) {
    return fenced(
        tx.exec("UPDATE publish_steps SET state = 'queued', failure_message = $4, not_before_us = $5, lease_owner "
                "= NULL" FENCE,
                {c.step.id, c.lease_owner, param(c.step.attempt_count), param(why), param(not_before)}),
        c);
}

Result<bool> has_open_step(Transaction& tx, std::string_view job_id) {
    return tx.query_one("SELECT 1 FROM publish_steps WHERE job_id = $1 AND state IN ('queued', 'running') LIMIT 1",
                        {job_id}, [](const ports::Row&) { return Status(); });
}

Status set_job_succeeded(Transaction& tx, std::string_view job_id, Time now) {
    return tx
        .exec(
            "UPDATE publish_jobs SET state = 'succeeded', failed_step = NULL, reason = NULL, failure_message = NULL, "
            "finished_us = $2, updated_us = $2 WHERE id = $1 AND state = 'running'",
            {job_id, param(now)})
        .status();
}

Status set_job_failed(Transaction& tx, std::string_view job_id, std::string_view step, std::string_view reason,
                      std::string_view message, Time now) {
    return tx
        .exec(
            "UPDATE publish_jobs SET state = 'failed', failed_step = $2, reason = $3, failure_message = $4, "
            "finished_us = "
            "$5, updated_us = $5 WHERE id = $1 AND state = 'running'",
            {job_id, step, reason, message, param(now)})
        .status();
}

Result<bool> retry_job(Transaction& tx, std::string_view job_id, Time now) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE publish_jobs SET state = 'queued', failed_step = NULL, reason = NULL, failure_message = "
                "NULL, finished_us = NULL, updated_us = $2 WHERE id = $1 AND state = 'failed'",
                {job_id, param(now)}));
    if (changed != 1) return false;
    IMGSRV_TRY(
        tx.exec("UPDATE publish_steps SET state = 'queued', failure_message = NULL, finished_us = NULL, not_before_us "
                "= 0, queued_us = $2 WHERE job_id = $1 AND state = 'failed' AND blocking = 1",
                {job_id, param(now)})
            .status());
    IMGSRV_TRY(announce(tx, kJobsChannel));
    return true;
}

Result<bool> abandon_job(Transaction& tx, std::string_view job_id, Time now) {
    IMGSRV_ASSIGN(const auto changed,
                  tx.exec("UPDATE publish_jobs SET state = 'abandoned', finished_us = $2, updated_us = "
                          "$2 WHERE id = $1 AND state IN ('failed', 'queued')",
                          {job_id, param(now)}));
    if (changed != 1) return false;
    IMGSRV_TRY(tx.exec("UPDATE publish_steps SET state = 'skipped', finished_us = $2 WHERE job_id = $1 AND state IN "
                       "('queued', 'running')",
                       {job_id, param(now)})
                   .status());
    return true;
}

Status end_leases(Transaction& tx, std::string_view node) {
    return tx
        .exec(
            "UPDATE publish_steps SET lease_expires_us = 0 WHERE state = 'running' AND substr(lease_owner, 1, "
            "length($1)) = $1",
            {node})
        .status();
}

}  // namespace imgsrv::store::publishing
