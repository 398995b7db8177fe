#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "ports/publish_step.h"
#include "services/catalogue/blob_service.h"
#include "store/publishing/projections.h"

namespace imgsrv::services {

// What a publish step sees of the host while it runs. Rows are kept here until the step has succeeded.
class BufferedRun final : public ports::StepRun {
  public:
    BufferedRun(BlobService& blobs, ports::StepManifest manifest, std::uint32_t attempt, bool finalizer)
        : blobs_(blobs), manifest_(std::move(manifest)), attempt_(attempt), finalizer_(finalizer) {}

    const ports::StepManifest& manifest() const override { return manifest_; }
    std::uint32_t attempt() const override { return attempt_; }
    Result<std::unique_ptr<ports::ByteReader>> open_blob(const ports::Call& call, std::string_view digest,
                                                         std::uint64_t offset,
                                                         std::optional<std::uint64_t> length) override;
    Result<std::uint64_t> blob_size(const ports::Call& call, std::string_view digest) override;
    void progress(std::uint64_t done, std::uint64_t total) override;
    Status put_row(std::string_view key, std::string_view json) override;
    Status request_published() override;

    const std::vector<store::projections::NewRow>& rows() const { return rows_; }
    bool published_requested() const { return published_requested_; }
    std::uint64_t done() const { return done_; }    // [any]
    std::uint64_t total() const { return total_; }  // [any]

  private:
    BlobService& blobs_;
    const ports::StepManifest manifest_;
    const std::uint32_t attempt_;
    const bool finalizer_;
    std::vector<store::projections::NewRow> rows_;
    std::size_t row_bytes_ = 0;
    bool published_requested_ = false;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> total_{0};
};

}  // namespace imgsrv::services
