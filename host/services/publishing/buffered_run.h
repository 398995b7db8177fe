#pragma once

#include <atomic>
#include <string>
#include <unordered_map>
#include <vector>

#include "ports/publish_step.h"
#include "services/catalogue/blob_service.h"
#include "store/publishing/projections.h"

namespace imgsrv::services {

// Bytes at most of what one run of a step puts.
struct RunLimits {
    std::size_t key = 512;
    std::size_t row = 1024 * 1024;
    std::size_t all_rows = 64 * 1024 * 1024;  // keys included
};

// What a publish step sees of the host while it runs. Rows are buffered until the step has succeeded; the row that a
// step puts under a key again replaces the first one, in its place.
class BufferedRun final : public ports::StepRun {
  public:
    BufferedRun(BlobService& blobs, ports::StepManifest manifest, std::uint32_t attempt, bool finalizer,
                RunLimits limits = {})
        : blobs_(blobs), manifest_(std::move(manifest)), attempt_(attempt), finalizer_(finalizer), limits_(limits) {}

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
    const RunLimits limits_;
    std::vector<store::projections::NewRow> rows_;
    std::unordered_map<std::string, std::size_t> place_of_;  // in rows_, by key
    std::size_t row_bytes_ = 0;
    bool published_requested_ = false;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> total_{0};
};

}  // namespace imgsrv::services
