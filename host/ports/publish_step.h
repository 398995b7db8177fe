#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "ports/byte_reader.h"
#include "ports/call.h"

namespace imgsrv::ports {

struct StepAttachment {
    std::string id, name, media_type, digest;
    std::uint64_t size = 0;
};

struct StepArtifact {
    std::string id, os, architecture, variant, format, media_type, digest;
    std::uint64_t size = 0;
    std::vector<StepAttachment> attachments;
};

// The frozen manifest that a step works on.
struct StepManifest {
    std::string version_id, image, version;
    std::vector<StepArtifact> artifacts;
};

// The host's side of one run. Rows are buffered; the host writes them and the step's success in one transaction.
class StepRun {
  public:
    virtual ~StepRun() = default;

    virtual const StepManifest& manifest() const = 0;
    virtual std::uint32_t attempt() const = 0;
    virtual Result<std::unique_ptr<ByteReader>> open_blob(const Call& call, std::string_view digest,
                                                          std::uint64_t offset,
                                                          std::optional<std::uint64_t> length) = 0;
    virtual Result<std::uint64_t> blob_size(const Call& call, std::string_view digest) = 0;
    virtual void progress(std::uint64_t done, std::uint64_t total) = 0;
    virtual Status put_row(std::string_view key, std::string_view json) = 0;
    virtual Status request_published() = 0;  // permission_denied unless the step is a finalizer
};

struct ProjectionRow {
    std::string_view image, display_name, version, version_id, key, json;
    Time published;
};

// One read snapshot of the catalogue, for rendering.
class RenderView {
  public:
    virtual ~RenderView() = default;

    // False at the end. Views in `row` are valid until the next call.
    virtual Result<bool> next_row(ProjectionRow& row) = 0;
    // The i-th alias that points at the version, in order of name; none after the last.
    virtual Result<std::optional<std::string_view>> alias_at(std::string_view image, std::string_view version,
                                                             std::size_t i) = 0;
};

struct Document {
    std::string path;
    std::string content_type;
};

class PublishStep {
  public:
    virtual ~PublishStep() = default;

    virtual std::string_view name() const = 0;
    virtual bool finalizer() const = 0;
    virtual std::uint32_t row_schema() const = 0;
    virtual const std::vector<Document>& documents() const = 0;
    // Idempotent and deterministic.
    virtual Status run(const Call& call, StepRun& run) = 0;
    // A pure function of the view.
    virtual Result<std::string> render(const Call& call, RenderView& view, std::string_view path) = 0;
    virtual Status health(const Call& call) = 0;
};

}  // namespace imgsrv::ports
