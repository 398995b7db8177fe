#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "ports/byte_reader.h"

namespace imgsrv::ports {

// Streams a text that it owns, at most `most` bytes per read.
class TextReader : public ByteReader {
  public:
    explicit TextReader(std::string text, std::size_t most = std::numeric_limits<std::size_t>::max())
        : text_(std::move(text)), most_(most) {}

    std::optional<std::uint64_t> size() const override { return text_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t n = std::min({buffer.size(), text_.size() - at_, most_});
        std::memcpy(buffer.data(), text_.data() + at_, n);
        at_ += n;
        return n;
    }
    Status rewind() override {
        at_ = 0;
        return {};
    }

  private:
    const std::string text_;
    const std::size_t most_;
    std::size_t at_ = 0;
};

}  // namespace imgsrv::ports
