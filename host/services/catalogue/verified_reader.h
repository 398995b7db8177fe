#pragma once

#include <string>

#include "core/sha256.h"
#include "ports/byte_reader.h"

namespace imgsrv::services {

// Passes on a stream of known size, but withholds its last bytes if the whole does not hash to the digest, so that the
// reader never gets a complete wrong body. The stream underneath must outlive it.
class VerifiedReader final : public ports::ByteReader {
  public:
    // digest: "sha256:…"; empty: only the size is checked.
    VerifiedReader(ports::ByteReader& source, std::uint64_t size, std::string digest)
        : source_(source), size_(size), digest_(std::move(digest)) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    Result<std::size_t> read(std::span<std::byte> buffer) override;
    // data_loss when the bytes are wrong, or fewer or more than `size`; what the source reported otherwise.
    const Status& failure() const { return failure_; }

  private:
    Status check_end();

    ports::ByteReader& source_;
    const std::uint64_t size_;
    const std::string digest_;
    Sha256 hash_;
    Status failure_;
};

}  // namespace imgsrv::services
