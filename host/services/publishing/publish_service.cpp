#include "services/publishing/publish_service.h"

#include "core/uuid.h"
#include "store/catalogue/catalogue.h"
#include "store/publishing/projections.h"
#include "store/publishing/publishing.h"

namespace imgsrv::services {

using domain::JobState;
using domain::PublishJob;
using domain::VersionState;
using store::Transaction;

namespace {

Status wrong_state(const PublishJob& job, std::string_view wanted) {
    return {Code::failed_precondition,
            "publish job " + job.id + " is " + std::string(domain::to_string(job.state)) + "; " + std::string(wanted)};
}

}  // namespace

PublishService::PublishService(store::Pool& pool, std::vector<domain::PipelineStep> pipeline,
                               std::function<void()> queued)
    : pool_(pool), pipeline_(std::move(pipeline)), queued_(std::move(queued)) {}

Result<PublishService::Started> PublishService::publish(const ports::Call& call, std::string_view image,
                                                        std::string_view version) {
    auto started = pool_.write(call, [&](Transaction& tx) -> Result<Started> {
        IMGSRV_ASSIGN(const auto parent, store::catalogue::find_image(tx, image));
        IMGSRV_ASSIGN(auto found, store::catalogue::find_version(tx, parent, version));
        IMGSRV_ASSIGN(const auto live, store::publishing::live_job(tx, found.id));
        if (live) return Started{std::move(found), live->id, true};
        IMGSRV_TRY(domain::check_editable(image, found));
        IMGSRV_ASSIGN(const auto artifacts, store::catalogue::artifacts(tx, found.id));
        if (artifacts.empty())
            return Status(Code::failed_precondition, "version " + std::string(image) + " " + found.version +
                                                         " has no artifact; add one before publishing it");
        IMGSRV_ASSIGN(const Time now, tx.now());
        PublishJob job;
        job.id = new_uuid();
        job.version_id = found.id;
        job.created = now;
        for (std::uint32_t i = 0; i < pipeline_.size(); ++i) {
            domain::PublishStep step;
            step.id = new_uuid();
            step.name = pipeline_[i].name;
            step.blocking = pipeline_[i].blocking;
            step.sequence = i + 1;
            job.steps.push_back(std::move(step));
        }
        IMGSRV_ASSIGN(const bool frozen, store::catalogue::set_version_state(tx, found.id, VersionState::draft,
                                                                             VersionState::publishing, now));
        if (!frozen) return Status(Code::aborted, "the version was changed by another request").with_retryable();
        IMGSRV_TRY(store::publishing::insert_job(tx, job));
        found.state = VersionState::publishing;
        found.updated = now;
        return Started{std::move(found), job.id, false};
    });
    if (started.ok() && !started->repeated) queued_();
    return started;
}

Result<PublishJob> PublishService::job(const ports::Call& call, std::string_view id) {
    return pool_.read(call, [&](Transaction& tx) { return store::publishing::find_job(tx, id); });
}

Result<domain::Page<PublishJob>> PublishService::jobs(const ports::Call& call, std::optional<JobState> state,
                                                      const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) { return store::publishing::jobs(tx, state, page); });
}

Result<PublishJob> PublishService::retry(const ports::Call& call, std::string_view id) {
    auto job = pool_.write(call, [&](Transaction& tx) -> Result<PublishJob> {
        IMGSRV_ASSIGN(const auto before, store::publishing::find_job(tx, id));
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(const bool queued, store::publishing::retry_job(tx, id, now));
        if (!queued) return wrong_state(before, "only a failed job can be retried");
        return store::publishing::find_job(tx, id);
    });
    if (job.ok()) queued_();
    return job;
}

Result<PublishJob> PublishService::abandon(const ports::Call& call, std::string_view id) {
    return pool_.write(call, [&](Transaction& tx) -> Result<PublishJob> {
        IMGSRV_ASSIGN(auto job, store::publishing::find_job(tx, id));
        if (job.state == JobState::abandoned) return job;
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(const bool abandoned, store::publishing::abandon_job(tx, id, now));
        if (!abandoned) return wrong_state(job, "only a failed or queued job can be abandoned");
        IMGSRV_ASSIGN(const bool draft, store::catalogue::set_version_state(
                                            tx, job.version_id, VersionState::publishing, VersionState::draft, now));
        if (!draft) return wrong_state(job, "its version is published already");
        IMGSRV_TRY(store::projections::remove_version(tx, job.version_id));
        return store::publishing::find_job(tx, id);
    });
}

}  // namespace imgsrv::services
