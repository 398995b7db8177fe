#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv::domain {

// "sha256:" and 64 lower-case hex digits: the name of a blob.
class Digest {
  public:
    // invalid_argument names the member and what is wrong with the value.
    static Result<Digest> parse(std::string_view member, std::string_view text);
    // Requires 64 lower-case hex digits.
    static Digest from_hex(std::string_view hex);

    const std::string& text() const { return text_; }
    std::string_view hex() const { return std::string_view(text_).substr(7); }
    friend bool operator==(const Digest&, const Digest&) = default;

  private:
    explicit Digest(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace imgsrv::domain
