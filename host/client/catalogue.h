#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client/http_client.h"
#include "core/status.h"

namespace imgsrv::client {

// The catalogue's documents (config/openapi.yaml), as far as the client needs them.
struct Attachment {
    std::string id;  // empty until it is on the server
    std::string name;
    std::string media_type;
    std::string digest;
    std::uint64_t size = 0;
};

// The path of a publish job in the API.
std::string job_path(const std::string& id);

struct Artifact {
    std::string id;  // empty until it is on the server
    std::string operating_system;
    std::string architecture;
    std::string variant = "default";
    std::string format;
    std::string digest;
    std::uint64_t size = 0;
    std::string media_type;
    std::vector<Attachment> attachments;

    // Whether the four members that identify an artifact within its version are equal.
    bool same_identity(const Artifact& other) const;
    // "qcow2 for linux/x86_64", with the variant unless it is the default.
    std::string describe() const;
};

struct Manifest {
    std::string image;
    std::string version;
    std::string state;  // draft, publishing, published
    std::vector<Artifact> artifacts;
};

struct JobStep {
    std::string name;
    std::string state;
    bool blocking = true;
    int attempts = 0;
    std::string failure;
    std::string progress;  // "37 %"; empty: unknown
    std::string started_at;
    std::string finished_at;
};

struct Job {
    std::string id;
    std::string image;
    std::string version;
    std::string state;  // queued, running, succeeded, failed, abandoned
    std::string failed_step;
    std::string reason;  // the failure's class: "failed_precondition"
    std::string failure;
    std::vector<JobStep> steps;

    bool over() const { return state == "succeeded" || state == "failed" || state == "abandoned"; }
};

// A PublishJob of the API.
Result<Job> parse_job(const nlohmann::json& document);

// Calls on images, versions, artifacts, aliases and publish jobs. Errors are the server's (status_of).
class Catalogue {
  public:
    explicit Catalogue(HttpClient& http) : http_(http) {}

    // OK when the token may publish.
    Status check_writer();
    // OK if the image exists already; its title and description are then left alone.
    Status ensure_image(const std::string& name, const std::string& display_name, const std::string& description);
    Status create_draft(const std::string& image, const std::string& version);
    // None if there is no such version (or it is a draft and the caller may not see drafts).
    Result<std::optional<Manifest>> find_version(const std::string& image, const std::string& version);
    Result<Artifact> add_artifact(const Manifest& draft, const Artifact& artifact);
    Status remove_artifact(const Manifest& draft, const std::string& artifact_id);
    Status add_attachment(const Manifest& draft, const std::string& artifact_id, const Attachment& attachment);
    // Freezes the version and queues its job; returns the existing job if that has happened before.
    Result<Job> publish(const std::string& image, const std::string& version);
    Result<Job> job(const std::string& id);
    Result<Job> retry(const std::string& job_id);
    Result<Job> abandon(const std::string& job_id);
    Status set_alias(const std::string& image, const std::string& alias, const std::string& version);

  private:
    Result<nlohmann::json> post(std::string path, std::optional<std::string> body);

    HttpClient& http_;
};

// The path of a resource, percent-encoded: "/v1/images/<name>" and so on.
std::string image_path(const std::string& image);
std::string version_path(const std::string& image, const std::string& version);

// Throw nlohmann::json::exception when a member is missing or of another type.
Manifest read_manifest(const nlohmann::json& document);
Job read_job(const nlohmann::json& document);

}  // namespace imgsrv::client
