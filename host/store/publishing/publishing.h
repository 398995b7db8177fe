#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/page.h"
#include "domain/publishing.h"
#include "store/transaction.h"

namespace imgsrv::store::publishing {

// Every function runs inside the caller's transaction.

Status insert_job(Transaction& tx, const domain::PublishJob& job);
// With its steps. not_found names the id.
Result<domain::PublishJob> find_job(Transaction& tx, std::string_view id);
// The job of a version that was not abandoned; none when there is none.
Result<std::optional<domain::PublishJob>> live_job(Transaction& tx, std::string_view version_id);
// Newest first, with their steps.
Result<domain::Page<domain::PublishJob>> jobs(Transaction& tx, std::optional<domain::JobState> state,
                                              const domain::PageRequest& page);

// A step under lease: what a worker holds.
struct ClaimedStep {
    domain::PublishStep step;  // attempt_count is this attempt's
    std::string version_id;
    std::string image_id;
    std::string image_name;
    std::string version;
    std::string lease_owner;
};

// The next step to run, now leased to `owner`: its job is queued or running, every step before it is done, and it is
// queued or its lease ended. The job becomes running.
Result<std::optional<ClaimedStep>> claim(Transaction& tx, std::string_view owner, Time now, Time lease_until,
                                         bool skip_locked);
// Each is fenced by owner and attempt: aborted when the lease is another's now.
Status renew(Transaction& tx, const ClaimedStep& claimed, Time lease_until, std::uint64_t done, std::uint64_t total);
Status finish_step(Transaction& tx, const ClaimedStep& claimed, domain::StepState state,
                   const std::optional<std::string>& failure, Time now);
// How many projection rows the step put.
Status set_row_count(Transaction& tx, const ClaimedStep& claimed, std::uint64_t rows);
// Queued again, not to be claimed before `not_before`.
Status requeue_step(Transaction& tx, const ClaimedStep& claimed, const std::optional<std::string>& why,
                    Time not_before);

// Whether a step of the job is still to be run.
Result<bool> has_open_step(Transaction& tx, std::string_view job_id);
Status set_job_succeeded(Transaction& tx, std::string_view job_id, Time now);
Status set_job_failed(Transaction& tx, std::string_view job_id, std::string_view step, std::string_view reason,
                      std::string_view message, Time now);
// failed → queued; its failed blocking steps are queued again. False when it was not failed.
Result<bool> retry_job(Transaction& tx, std::string_view job_id, Time now);
// failed or queued → abandoned; its open steps are skipped. False when it was in another state.
Result<bool> abandon_job(Transaction& tx, std::string_view job_id, Time now);
// Leases of earlier processes of this node end at once.
Status end_leases(Transaction& tx, std::string_view node);

}  // namespace imgsrv::store::publishing
