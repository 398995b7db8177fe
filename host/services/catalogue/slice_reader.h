#pragma once

#include <algorithm>

#include "ports/byte_reader.h"

namespace imgsrv::services {

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
