#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <span>
#include <string>
#include <vector>

#include "image_row.h"

namespace imgsrv_incus {

// What a run has still to read, reported to the host block by block.
class Progress {
  public:
    Progress(imgsrv::sdk::StepRun& run, std::uint64_t total) : run_(run), total_(total) {}
    void add(std::uint64_t bytes) { run_.progress(done_ += bytes, total_); }

  private:
    imgsrv::sdk::StepRun& run_;
    std::uint64_t done_ = 0;
    std::uint64_t total_;
};

// The fingerprints of a root with each of these metadata archives: sha256(metadata ‖ root) as hex, in their order. The
// root is read once. Throws Failure: what a reader reported, CANCELLED between two blocks, and DATA_LOSS when a blob
// has another length than its File says.
std::vector<std::string> combined_fingerprints(const imgsrv::sdk::Call& call, imgsrv::sdk::StepRun& run,
                                               std::span<const File> metadata, const File& root, Progress& progress);

}  // namespace imgsrv_incus
