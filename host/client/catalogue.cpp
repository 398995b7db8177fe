#include "client/catalogue.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace imgsrv::client {
namespace {

using nlohmann::json;

// Decodes an answer with `read`, turning an exception into a status.
template <class Read>
auto decode(const json& document, Read read) -> Result<decltype(read(document))> {
    try {
        return read(document);
    } catch (const json::exception& e) {
        return Status(Code::internal, std::string("unexpected answer from the server:  ") + e.what());
    }
}

std::string text(const json& document, const char* member) {
    const auto it = document.find(member);
    if (it == document.end() || it->is_null()) return {};
    return it->is_string() ? it->get<std::string>() : it->dump();
}

Attachment read_attachment(const json& d) {
    return {.id = d.at("id"),
            .name = d.at("name"),
            .media_type = d.at("media_type"),
            .digest = d.at("blob_digest"),
            .size = d.at("blob_size_bytes")};
}

Artifact read_artifact(const json& d) {
    return {.id = d.at("id"),
            .operating_system = d.at("operating_system"),
            .architecture = d.at("architecture"),
            .variant = d.value("variant", "default"),
            .format = d.at("format"),
            .digest = d.at("primary_blob_digest"),
            .size = d.at("primary_blob_size_bytes"),
            .media_type = d.at("primary_media_type"),
            .attachments = {}};
}

// "37 %" from {done, total}, or whatever else the server sends.
std::string progress_text(const json& step) {
    const auto it = step.find("progress");
    if (it == step.end() || it->is_null()) return {};
    if (!it->is_object()) return it->is_string() ? it->get<std::string>() : it->dump();
    const std::uint64_t done = it->value("done", std::uint64_t{0});
    const std::uint64_t total = it->value("total", std::uint64_t{0});
    if (total == 0) return {};
    return std::to_string(std::min(done, total) * 100 / total) + " %";
}

JobStep read_step(const json& d) {
    return {.name = d.at("name"),
            .state = d.at("state"),
            .blocking = d.value("blocking", true),
            .attempts = d.value("attempt_count", 0),
            .failure = text(d, "failure_message"),
            .progress = progress_text(d),
            .started_at = text(d, "started_at"),
            .finished_at = text(d, "finished_at")};
}

}  // namespace

std::string job_path(const std::string& id) {
    return "/v1/publish-jobs/" + encode_segment(id);
}

bool Artifact::same_identity(const Artifact& other) const {
    return operating_system == other.operating_system && architecture == other.architecture &&
           variant == other.variant && format == other.format;
}

std::string Artifact::describe() const {
    return format + " for " + operating_system + "/" + architecture + (variant == "default" ? "" : "/" + variant);
}

std::string image_path(const std::string& image) {
    return "/v1/images/" + encode_segment(image);
}

std::string version_path(const std::string& image, const std::string& version) {
    return image_path(image) + "/versions/" + encode_segment(version);
}

Manifest read_manifest(const json& d) {
    Manifest manifest{.image = d.at("image").at("name"),
                      .version = d.at("version").at("version"),
                      .state = d.at("version").at("state"),
                      .artifacts = {}};
    for (const json& entry : d.at("artifacts")) {
        Artifact artifact = read_artifact(entry.at("artifact"));
        for (const json& attachment : entry.at("attachments"))
            artifact.attachments.push_back(read_attachment(attachment));
        manifest.artifacts.push_back(std::move(artifact));
    }
    return manifest;
}

Job read_job(const json& d) {
    Job job{.id = d.at("id"),
            .image = text(d, "image_name"),
            .version = text(d, "version"),
            .state = d.at("state"),
            .failed_step = text(d, "failed_step"),
            .reason = text(d, "reason"),
            .failure = text(d, "failure_message"),
            .steps = {}};
    if (job.failure.empty()) job.failure = job.reason;
    if (d.contains("steps"))
        for (const json& step : d.at("steps")) job.steps.push_back(read_step(step));
    return job;
}

Result<Job> parse_job(const json& document) {
    return decode(document, read_job);
}

Result<json> Catalogue::post(std::string path, std::optional<std::string> body) {
    return http_.json({.method = "POST", .path = std::move(path), .json = std::move(body), .file = {}, .cancel = {}});
}

Status Catalogue::check_writer() {
    return http_.get("/v1/publish-jobs?limit=1").status();
}

Status Catalogue::ensure_image(const std::string& name, const std::string& display_name,
                               const std::string& description) {
    json body{{"name", name}};
    if (!display_name.empty()) body["display_name"] = display_name;
    if (!description.empty()) body["description"] = description;
    Status status = post("/v1/images", body.dump()).status();
    if (status.code() == Code::already_exists) return {};
    return status;
}

Status Catalogue::create_draft(const std::string& image, const std::string& version) {
    return post(image_path(image) + "/versions", json{{"version", version}}.dump()).status();
}

Result<std::optional<Manifest>> Catalogue::find_version(const std::string& image, const std::string& version) {
    auto document = http_.get(version_path(image, version));
    if (document.status().code() == Code::not_found) return std::optional<Manifest>();
    if (!document.ok()) return std::move(document).status();
    IMGSRV_ASSIGN(Manifest manifest, decode(*document, read_manifest));
    return std::optional(std::move(manifest));
}

Result<Artifact> Catalogue::add_artifact(const Manifest& draft, const Artifact& a) {
    IMGSRV_ASSIGN(const json answer, post(version_path(draft.image, draft.version) + "/artifacts",
                                          json{{"operating_system", a.operating_system},
                                               {"architecture", a.architecture},
                                               {"variant", a.variant},
                                               {"format", a.format},
                                               {"primary_blob_digest", a.digest},
                                               {"primary_blob_size_bytes", a.size},
                                               {"primary_media_type", a.media_type}}
                                              .dump()));
    return decode(answer, read_artifact);
}

Status Catalogue::remove_artifact(const Manifest& draft, const std::string& artifact_id) {
    const Status status =
        http_
            .json({.method = "DELETE",
                   .path = version_path(draft.image, draft.version) + "/artifacts/" + encode_segment(artifact_id),
                   .json = {},
                   .file = {},
                   .cancel = {}})
            .status();
    return status.code() == Code::not_found ? Status() : status;
}

Status Catalogue::add_attachment(const Manifest& draft, const std::string& artifact_id, const Attachment& a) {
    return post(version_path(draft.image, draft.version) + "/artifacts/" + encode_segment(artifact_id) + "/attachments",
                json{{"name", a.name},
                     {"media_type", a.media_type},
                     {"blob_digest", a.digest},
                     {"blob_size_bytes", a.size}}
                    .dump())
        .status();
}

Result<Job> Catalogue::publish(const std::string& image, const std::string& version) {
    IMGSRV_ASSIGN(const json answer, post(version_path(image, version) + "/publish", std::nullopt));
    const std::string id = text(answer, "job_id");
    if (id.empty()) return Status(Code::internal, "the server's answer to publish contains no job id");
    return job(id);
}

Result<Job> Catalogue::job(const std::string& id) {
    IMGSRV_ASSIGN(const json answer, http_.get(job_path(id)));
    return decode(answer, read_job);
}

Result<Job> Catalogue::retry(const std::string& job_id) {
    IMGSRV_TRY(post(job_path(job_id) + "/retry", std::nullopt).status());
    return job(job_id);
}

Result<Job> Catalogue::abandon(const std::string& job_id) {
    IMGSRV_TRY(post(job_path(job_id) + "/abandon", std::nullopt).status());
    return job(job_id);
}

Status Catalogue::set_alias(const std::string& image, const std::string& alias, const std::string& version) {
    return http_
        .json({.method = "PUT",
               .path = image_path(image) + "/aliases/" + encode_segment(alias),
               .json = json{{"version", version}}.dump(),
               .file = {},
               .cancel = {}})
        .status();
}

}  // namespace imgsrv::client
