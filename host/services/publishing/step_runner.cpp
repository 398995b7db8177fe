#include "services/publishing/step_runner.h"

#include "core/backoff.h"
#include "core/log.h"
#include "services/lease_keeper.h"
#include "services/publishing/buffered_run.h"
#include "store/catalogue/catalogue.h"

namespace imgsrv::services {

using domain::StepState;
using store::Transaction;
using store::publishing::ClaimedStep;

namespace {

// Attempts of a step whose backend is away, before the job fails.
constexpr std::uint32_t kMaxAttempts = 20;
constexpr std::chrono::seconds kFirstPause{1};
constexpr std::chrono::seconds kMostPause{64};

ports::StepManifest to_step_manifest(const ClaimedStep& claimed, const std::vector<domain::Artifact>& artifacts) {
    ports::StepManifest manifest{claimed.version_id, claimed.image_name, claimed.version, {}};
    for (const auto& a : artifacts) {
        ports::StepArtifact out{a.id,         a.operating_system, a.architecture, a.variant, a.format,
                                a.media_type, a.blob_digest,      a.blob_size,    {}};
        for (const auto& t : a.attachments)
            out.attachments.push_back({t.id, t.name, t.media_type, t.blob_digest, t.blob_size});
        manifest.artifacts.push_back(std::move(out));
    }
    return manifest;
}

}  // namespace

StepRunner::StepRunner(store::Pool& pool, BlobService& blobs, const StepSet& steps, CatalogueClock& clock,
                       std::string owner)
    : pool_(pool), blobs_(blobs), steps_(steps), clock_(clock), owner_(std::move(owner)) {}

Result<std::optional<ClaimedStep>> StepRunner::claim(const ports::Call& call) {
    return pool_.write(call, [&](Transaction& tx) -> Result<std::optional<ClaimedStep>> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::publishing::claim(tx, owner_, now, now + kLeaseTime, pool_.skip_locked());
    });
}

Result<bool> StepRunner::run_one(const ports::Call& call) {
    IMGSRV_ASSIGN(const auto next, claim(call));
    if (!next) return false;
    const ClaimedStep& claimed = *next;
    const ports::Call plain{"job-" + claimed.step.job_id, std::nullopt, nullptr};

    auto artifacts =
        pool_.read(plain, [&](Transaction& tx) { return store::catalogue::artifacts(tx, claimed.version_id); });
    IMGSRV_TRY(artifacts.status());
    const auto found = steps_.find(claimed.step.name);
    const bool finalizer = found != steps_.end() && found->second->finalizer();
    BufferedRun run(blobs_, to_step_manifest(claimed, *artifacts), claimed.step.attempt_count, finalizer);

    Status outcome;
    {
        LeaseKeeper lease(
            [&](std::chrono::steady_clock::time_point deadline) {
                return pool_.write(ports::Call{plain.request_id, deadline, nullptr}, [&](Transaction& tx) -> Status {
                    IMGSRV_ASSIGN(const Time now, tx.now());
                    return store::publishing::renew(tx, claimed, now + kLeaseTime, run.done(), run.total());
                });
            },
            call.cancel);
        const ports::Call work{plain.request_id, std::nullopt, lease.token()};
        if (found == steps_.end())
            outcome = Status(Code::failed_precondition,
                             "step '" + claimed.step.name + "' is not loaded; add its plugin and retry the job");
        else
            outcome = found->second->run(work, run);
        if (lease.lost()) {
            log::warn("lease lost; the step's result is dropped",
                      {{"job_id", claimed.step.job_id}, {"step", claimed.step.name}});
            return true;
        }
    }
    const Status concluded = conclude(claimed, std::move(outcome), call.cancelled(), run);
    if (concluded.code() == Code::aborted) return true;  // fenced: another worker has it
    IMGSRV_TRY(concluded);
    return true;
}

Status StepRunner::conclude(const ClaimedStep& claimed, Status outcome, bool stopping, BufferedRun& run) {
    if (outcome.ok()) {
        outcome = succeed(claimed, run);
        // Fenced: another worker has the step.
        if (outcome.ok() || (outcome.code() == Code::aborted && outcome.db_class() == DbClass::none)) return outcome;
    }
    log::warn("publish step did not succeed",
              {{"job_id", claimed.step.job_id}, {"step", claimed.step.name}, {"error", outcome.describe()}});
    // A shutdown hands the step back; a backend that is away is waited for.
    const Code code = outcome.code();
    const bool passing = outcome.retryable() || code == Code::unavailable || code == Code::deadline ||
                         code == Code::aborted || code == Code::cancelled;
    const bool handed_back = stopping && code == Code::cancelled;
    if (handed_back || (passing && claimed.step.attempt_count < kMaxAttempts))
        return requeue(claimed, outcome, handed_back);
    return fail(claimed, outcome);
}

Status StepRunner::succeed(const ClaimedStep& claimed, BufferedRun& run) {
    const ports::Call call{"job-" + claimed.step.job_id, std::nullopt, nullptr};
    const auto step = steps_.find(claimed.step.name);
    const std::uint32_t row_schema = step == steps_.end() ? 0 : step->second->row_schema();
    std::int64_t generation = 0;
    // Commit point: rows, success and, for the finalizer, the published state appear together or not at all.
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(store::publishing::finish_step(tx, claimed, StepState::succeeded, std::nullopt, now));
        IMGSRV_TRY(store::projections::replace(tx, claimed.step.name, claimed.version_id, row_schema, run.rows()));
        IMGSRV_TRY(store::publishing::set_row_count(tx, claimed, run.rows().size()));
        if (run.published_requested()) {
            IMGSRV_ASSIGN(const bool published,
                          store::catalogue::set_version_state(tx, claimed.version_id, domain::VersionState::publishing,
                                                              domain::VersionState::published, now));
            if (!published)
                return Status(Code::failed_precondition, "the version is no longer in the state publishing");
        }
        IMGSRV_ASSIGN(const bool visible, store::catalogue::is_published(tx, claimed.version_id));
        if (visible) IMGSRV_TRY(store::catalogue::bump_generation(tx));
        IMGSRV_ASSIGN(generation, store::catalogue::generation(tx));
        return end_job(tx, claimed, now);
    }));
    clock_.advance_to(generation);
    log::info("publish step succeeded", {{"job_id", claimed.step.job_id},
                                         {"step", claimed.step.name},
                                         {"image", claimed.image_name},
                                         {"version", claimed.version}});
    return {};
}

// The job ends with its last step, successfully if the version is published.
Status StepRunner::end_job(Transaction& tx, const ClaimedStep& claimed, Time now) {
    IMGSRV_ASSIGN(const bool open, store::publishing::has_open_step(tx, claimed.step.job_id));
    if (open) return {};
    IMGSRV_ASSIGN(const bool published, store::catalogue::is_published(tx, claimed.version_id));
    if (published) return store::publishing::set_job_succeeded(tx, claimed.step.job_id, now);
    return store::publishing::set_job_failed(tx, claimed.step.job_id, claimed.step.name, to_string(Code::internal),
                                             "every step ended, but none asked for the published state", now);
}

Status StepRunner::fail(const ClaimedStep& claimed, const Status& why) {
    const ports::Call call{"job-" + claimed.step.job_id, std::nullopt, nullptr};
    return pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(store::publishing::finish_step(tx, claimed, StepState::failed, std::string(why.message()), now));
        if (claimed.step.blocking)
            return store::publishing::set_job_failed(tx, claimed.step.job_id, claimed.step.name, to_string(why.code()),
                                                     why.message(), now);
        return end_job(tx, claimed, now);
    });
}

Status StepRunner::requeue(const ClaimedStep& claimed, const Status& why, bool stopping) {
    const ports::Call call{"job-" + claimed.step.job_id, std::nullopt, nullptr};
    return pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        const Time not_before =
            stopping ? now : now + doubling_pause(kFirstPause, kMostPause, claimed.step.attempt_count);
        return store::publishing::requeue_step(
            tx, claimed, stopping ? std::nullopt : std::optional<std::string>(why.message()), not_before);
    });
}

}  // namespace imgsrv::services
