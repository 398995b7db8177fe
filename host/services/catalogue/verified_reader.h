#pragma once

#include <algorithm>
#include <string>

#include "core/sha256.h"
#include "ports/byte_reader.h"

namespace imgsrv::services {

// Passes a stream of a known size on, but keeps its last bytes back when the whole does not hash to the digest: whoever
// reads then never has a complete body. The stream underneath must outlive it.
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

// The next `size` bytes of a stream, as a stream of their own.
class SliceReader final : public ports::ByteReader {
  public:
    SliceReader(ports::ByteReader& source, std::uint64_t size) : source_(source), size_(size) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - done_));
        if (room == 0) return std::size_t{0};
        IMGSRV_ASSIGN(const std::size_t n, source_.read(buffer.first(room)));
        done_ += n;
        return n;
    }

  private:
    ports::ByteReader& source_;
    const std::uint64_t size_;
    std::uint64_t done_ = 0;
};

}  // namespace imgsrv::services
