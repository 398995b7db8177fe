#include "api/render_json.h"

#include <nlohmann/json.hpp>

#include "core/time.h"

namespace imgsrv::api {
namespace {

void set(Json& object, const char* member, const std::optional<std::string>& value) {
    if (value) object[member] = *value;
}

void set(Json& object, const char* member, const std::optional<Time>& value) {
    if (value) object[member] = format_rfc3339(*value);
}

}  // namespace

Json to_json(const domain::UploadSession& s) {
    Json j = {{"id", s.id}, {"expected_digest", s.expected_digest}, {"expected_size_bytes", s.expected_size}};
    set(j, "media_type_hint", s.media_type_hint);
    set(j, "filename_hint", s.filename_hint);
    j["state"] = domain::to_string(s.state);
    j["bytes_received"] = s.bytes_received;
    set(j, "failure_message", s.failure_message);
    j["created_at"] = format_rfc3339(s.created);
    j["expires_at"] = format_rfc3339(s.expires);
    return j;
}

Json to_json(const domain::UploadPart& p, std::string_view upload_id) {
    return {{"upload_id", upload_id}, {"part_number", p.number}, {"etag", p.etag}, {"size_bytes", p.size}};
}

Json to_json(const domain::Image& i) {
    Json j = {{"id", i.id}, {"name", i.name}};
    set(j, "display_name", i.display_name);
    set(j, "description", i.description);
    j["created_at"] = format_rfc3339(i.created);
    j["updated_at"] = format_rfc3339(i.updated);
    return j;
}

Json to_json(const domain::Version& v) {
    Json j = {{"id", v.id}, {"image_id", v.image_id}, {"version", v.version}, {"state", domain::to_string(v.state)}};
    set(j, "published_at", v.published);
    j["created_at"] = format_rfc3339(v.created);
    j["updated_at"] = format_rfc3339(v.updated);
    return j;
}

Json to_json(const domain::Artifact& a) {
    return {{"id", a.id},
            {"version_id", a.version_id},
            {"operating_system", a.operating_system},
            {"architecture", a.architecture},
            {"variant", a.variant},
            {"format", a.format},
            {"primary_blob_digest", a.blob_digest},
            {"primary_blob_size_bytes", a.blob_size},
            {"primary_media_type", a.media_type},
            {"created_at", format_rfc3339(a.created)},
            {"updated_at", format_rfc3339(a.created)}};
}

Json to_json(const domain::Attachment& t) {
    return {{"id", t.id},
            {"artifact_id", t.artifact_id},
            {"name", t.name},
            {"media_type", t.media_type},
            {"blob_digest", t.blob_digest},
            {"blob_size_bytes", t.blob_size},
            {"created_at", format_rfc3339(t.created)},
            {"updated_at", format_rfc3339(t.created)}};
}

Json to_json(const domain::Manifest& m) {
    Json artifacts = Json::array();
    for (const auto& artifact : m.artifacts) {
        Json attachments = Json::array();
        for (const auto& attachment : artifact.attachments) attachments.push_back(to_json(attachment));
        artifacts.push_back({{"artifact", to_json(artifact)}, {"attachments", std::move(attachments)}});
    }
    return {{"image", to_json(m.image)}, {"version", to_json(m.version)}, {"artifacts", std::move(artifacts)}};
}

Json to_json(const domain::Alias& a) {
    return {{"id", a.id},
            {"image_id", a.image_id},
            {"alias", a.alias},
            {"version_id", a.version_id},
            {"version", a.version},
            {"created_at", format_rfc3339(a.created)},
            {"updated_at", format_rfc3339(a.updated)}};
}

Json to_json(const domain::PublishJob& job) {
    Json j = {{"id", job.id},
              {"version_id", job.version_id},
              {"image_name", job.image_name},
              {"version", job.version},
              {"state", domain::to_string(job.state)}};
    set(j, "failed_step", job.failed_step);
    set(j, "reason", job.reason);
    set(j, "failure_message", job.failure_message);
    set(j, "started_at", job.started);
    set(j, "finished_at", job.finished);
    j["created_at"] = format_rfc3339(job.created);
    j["updated_at"] = format_rfc3339(job.updated);
    Json steps = Json::array();
    for (const auto& step : job.steps) {
        Json s = {{"id", step.id},
                  {"job_id", step.job_id},
                  {"name", step.name},
                  {"state", domain::to_string(step.state)},
                  {"blocking", step.blocking},
                  {"sequence", step.sequence},
                  {"attempt_count", step.attempt_count}};
        set(s, "started_at", step.started);
        set(s, "finished_at", step.finished);
        set(s, "failure_message", step.failure_message);
        if (step.progress_total > 0) s["progress"] = {{"done", step.progress_done}, {"total", step.progress_total}};
        steps.push_back(std::move(s));
    }
    j["steps"] = std::move(steps);
    return j;
}

Json to_json(const domain::Role& role) {
    return {{"id", role.id},
            {"display_name", role.display_name},
            {"description", role.description},
            {"actions", Json::array({domain::to_string(role.action)})}};
}

Json to_json(const domain::Principal& p) {
    Json j = {{"id", p.id}, {"kind", p.kind}, {"display_name", p.display_name}};
    if (p.attributes) j["attributes"] = Json::parse(*p.attributes, nullptr, false);
    j["role_ids"] = p.role_ids;
    j["created_at"] = format_rfc3339(p.created);
    return j;
}

Json to_json(const domain::ApiToken& t) {
    Json j = {{"id", t.id}, {"principal_id", t.principal_id}};
    j["name"] = t.name.value_or("");
    j["expires_at"] = format_rfc3339(t.expires);
    j["created_at"] = format_rfc3339(t.created);
    set(j, "last_used_at", t.last_used);
    set(j, "revoked_at", t.revoked);
    return j;
}

Json to_json(const domain::ProvisioningRule& r) {
    return {{"id", r.id},
            {"display_name", r.display_name},
            {"issuer_url", r.issuer_url},
            {"audience", r.audience},
            {"forwarded_claims", r.forwarded_claims},
            {"condition", r.condition},
            {"enabled", r.enabled},
            {"assign_role_ids", Json::array({domain::kRuleRole})},
            {"created_at", format_rfc3339(r.created)},
            {"updated_at", format_rfc3339(r.updated)}};
}

}  // namespace imgsrv::api
