#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace imgsrv::s3 {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

// Lower case.
std::string hex(std::span<const unsigned char> bytes);

// A digest that is built up as bytes pass. One thread at a time.
class RunningDigest {
  public:
    static RunningDigest md5();
    static RunningDigest sha256();

    void update(std::span<const std::byte> bytes);
    // Of all bytes so far, which may go on growing.
    std::string hex() const;

  private:
    explicit RunningDigest(const EVP_MD* algorithm);

    struct Free {
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

std::string sha256_hex(std::string_view text);
std::string md5_hex(std::string_view text);

using Mac = std::array<unsigned char, 32>;
Mac hmac_sha256(std::span<const unsigned char> key, std::string_view text);

}  // namespace imgsrv::s3
