#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/transaction.h"

// Rows that should not be as they are: what fsck asks the database.
namespace imgsrv::store::consistency {

// How late work must be to count as stuck; workers take it up, or over, much sooner.
inline constexpr std::chrono::minutes kLate{15};

// What the database itself finds wrong with its file; empty: nothing, or it checks itself. deep: reads all of it.
Result<std::vector<std::string>> damage(Transaction& tx, bool deep);

struct MissingBlob {
    std::string image, version, digest;
    std::uint64_t size = 0;
};
// What published versions name and what is not trusted, or has another size.
Result<std::vector<MissingBlob>> published_without_blob(Transaction& tx);

struct LateSession {
    std::string id, state, digest;
    Time since;
};
// Upload sessions that wait for promotion, whose promotion stands still, or that expired and were not ended.
Result<std::vector<LateSession>> late_sessions(Transaction& tx, Time now);

struct LateStep {
    std::string job, image, version, step;
    Time since;
};
// Steps that no worker has taken up, or taken over after a lease ended.
Result<std::vector<LateStep>> late_steps(Transaction& tx, Time now);

struct StuckVersion {
    std::string id, image, version;
};
// Versions that are being published by no job.
Result<std::vector<StuckVersion>> publishing_without_job(Transaction& tx);

struct StuckJob {
    std::string id, image, version, state;
};
// Jobs that are queued or running and have no step to run, or succeeded and their version is not published.
Result<std::vector<StuckJob>> jobs_without_work(Transaction& tx);
// Such a job failed, and can be abandoned.
Status fail_job(Transaction& tx, std::string_view id, Time now);

struct LostRows {
    std::string step_id, job, image, version, step;
    std::uint64_t expected = 0;
    std::uint64_t found = 0;
};
// Succeeded steps of published versions that have another number of projection rows than they put.
Result<std::vector<LostRows>> lost_projections(Transaction& tx);
// The step of a succeeded job runs again.
Status run_again(Transaction& tx, const LostRows& lost);

struct LateRemoval {
    std::string key;
    Time since;
};
// Overdue removals that no hold keeps back; at most `max`.
Result<std::vector<LateRemoval>> late_removals(Transaction& tx, Time now, std::uint32_t max);

}  // namespace imgsrv::store::consistency
