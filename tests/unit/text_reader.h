#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "ports/byte_reader.h"

namespace imgsrv::test {

// A stream of a text, a few bytes at a time.
class TextReader final : public ports::ByteReader {
  public:
    explicit TextReader(std::string text) : text_(std::move(text)) {}
    std::optional<std::uint64_t> size() const override { return text_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        const std::size_t n = std::min({buffer.size(), text_.size() - at_, std::size_t{3}});
        std::memcpy(buffer.data(), text_.data() + at_, n);
        at_ += n;
        return n;
    }

    Status rewind() override {
        at_ = 0;
        return {};
    }

  private:
    std::string text_;
    std::size_t at_ = 0;
};

}  // namespace imgsrv::test
