#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv {

// A running SHA-256 whose state can be saved and resumed, even by another process on the same kind of machine.
class Sha256 {
  public:
    Sha256();

    void update(std::span<const std::byte> bytes);
    // Bytes hashed so far.
    std::uint64_t length() const { return length_; }
    // The digest of the bytes so far, as 64 lower-case hex digits. Does not change the state.
    std::string hex() const;

    // The state as opaque bytes with a layout tag.
    std::string save() const;
    // failed_precondition when the tag names another layout: the caller must hash the bytes again.
    static Result<Sha256> restore(std::string_view saved);

  private:
    // SHA256_CTX of OpenSSL: the EVP interface cannot export a state.
    alignas(8) std::array<std::byte, 112> state_{};
    std::uint64_t length_ = 0;
};

// The digest of one buffer as hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace imgsrv
