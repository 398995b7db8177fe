#include "telemetry/durable_metrics.h"

#include <array>

#include "core/log.h"

namespace imgsrv::telemetry {
namespace {

using store::statistics::Snapshot;
using store::statistics::StateCount;
using store::statistics::StepRows;

double number(std::uint64_t value) {
    return static_cast<double>(value);
}
double seconds(std::chrono::microseconds value) {
    return std::chrono::duration<double>(value).count();
}

std::uint64_t count_of(const std::vector<StateCount>& counts, std::string_view state) {
    for (const auto& one : counts)
        if (one.state == state) return one.count;
    return 0;
}

std::uint64_t rows_of(const std::vector<StepRows>& rows, std::string_view step) {
    for (const auto& one : rows)
        if (one.step == step) return one.count;
    return 0;
}

void collect_uploads(Families& families, const Snapshot& s) {
    constexpr std::array kStates = {"created", "uploading", "completed", "ingesting", "ready", "failed", "aborted"};
    auto sessions =
        gauge("imgsrv_upload_sessions", "Upload sessions by state; finished ones are deleted after a while.");
    for (const char* state : kStates) sessions.add(number(count_of(s.uploads, state)), {{"state", state}});
    sessions.move_to(families);

    // A completed session is a job of the promotion worker.
    gauge("imgsrv_cas_ingest_jobs", "Completed uploads by state of their verification.")
        .add(number(count_of(s.uploads, "completed")), {{"state", "queued"}})
        .add(number(count_of(s.uploads, "ingesting")), {{"state", "running"}})
        .add(number(count_of(s.uploads, "ready")), {{"state", "succeeded"}})
        .add(number(count_of(s.uploads, "failed")), {{"state", "failed"}})
        .move_to(families);
    gauge("imgsrv_cas_ingest_oldest_queued_age_seconds",
          "How long the oldest upload has waited to be verified; 0: none is waiting.")
        .add(seconds(s.promotions.queued))
        .move_to(families);
    gauge("imgsrv_cas_ingest_oldest_running_age_seconds",
          "How long the oldest verification has been running; 0: none is running.")
        .add(seconds(s.promotions.running))
        .move_to(families);
    gauge("imgsrv_cas_blobs", "Trusted blobs.").add(number(s.blobs)).move_to(families);
    gauge("imgsrv_cas_damaged_blobs", "Blobs whose bytes are missing or wrong; they are not served.")
        .add(number(s.damaged_blobs))
        .move_to(families);
    gauge("imgsrv_cas_unreferenced_blobs", "Unreferenced blobs, to be removed after gc-grace.")
        .add(number(s.unreferenced_blobs))
        .move_to(families);
    gauge("imgsrv_object_removals_queued", "Objects queued for removal from the store.")
        .add(number(s.queued_removals))
        .move_to(families);
    gauge("imgsrv_cas_blob_bytes", "Bytes of trusted blobs.").add(number(s.blob_bytes)).move_to(families);
}

void collect_publishing(Families& families, const Snapshot& s) {
    constexpr std::array kJobStates = {"queued", "running", "succeeded", "failed", "abandoned"};
    auto jobs = gauge("imgsrv_publish_jobs", "Publish jobs by state.");
    for (const char* state : kJobStates) jobs.add(number(count_of(s.jobs, state)), {{"state", state}});
    jobs.move_to(families);

    auto steps = gauge("imgsrv_publish_steps", "Steps of publish jobs by state.");
    for (const auto& one : s.steps) steps.add(number(one.count), {{"step", one.step}, {"state", one.state}});
    steps.move_to(families);
    auto queued = gauge("imgsrv_publish_step_oldest_queued_age_seconds", "How long the oldest queued step has waited.");
    auto running =
        gauge("imgsrv_publish_step_oldest_running_age_seconds", "How long the oldest running step has been running.");
    for (const auto& one : s.step_ages) {
        queued.add(seconds(one.oldest.queued), {{"step", one.step}});
        running.add(seconds(one.oldest.running), {{"step", one.step}});
    }
    queued.move_to(families);
    running.move_to(families);
    gauge("imgsrv_publish_versions_publishing", "Versions being published.")
        .add(number(s.versions_publishing))
        .move_to(families);
    gauge("imgsrv_incus_projection_rows", "Rows derived by the step incus_index.")
        .add(number(rows_of(s.rows, "incus_index")))
        .move_to(families);
}

}  // namespace

void collect_durable(Families& families, services::DurableState& state, const services::CatalogueClock& clock) {
    const auto snapshot = state.read();
    gauge("imgsrv_durable_state_up", "1 if the database answered with its state.")
        .add(snapshot.ok() ? 1 : 0)
        .move_to(families);
    if (!snapshot.ok()) {
        log::debug("no metrics of the durable state", {{"error", snapshot.status().describe()}});
        return;
    }
    gauge("imgsrv_catalogue_generation", "Changes to the published catalogue, as counted by the database.")
        .add(static_cast<double>(snapshot->generation))
        .move_to(families);
    gauge("imgsrv_catalogue_generation_served",
          "The generation that this node serves; other nodes' changes arrive a moment later.")
        .add(static_cast<double>(clock.generation()))
        .move_to(families);
    collect_uploads(families, *snapshot);
    collect_publishing(families, *snapshot);
}

}  // namespace imgsrv::telemetry
