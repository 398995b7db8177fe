#include "digest.h"

#include <openssl/hmac.h>

#include <new>
#include <stdexcept>

namespace imgsrv::s3 {
namespace {

void require(int done) {
    if (done != 1) throw std::runtime_error("OpenSSL cannot compute a digest");
}

}  // namespace

std::string hex(std::span<const unsigned char> bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const unsigned char byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

RunningDigest::RunningDigest(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
    require(EVP_DigestInit_ex(context_.get(), algorithm, nullptr));
}

RunningDigest RunningDigest::md5() {
    return RunningDigest(EVP_md5());
}

RunningDigest RunningDigest::sha256() {
    return RunningDigest(EVP_sha256());
}

void RunningDigest::update(std::span<const std::byte> bytes) {
    require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()));
}

std::string RunningDigest::hex() const {
    const std::unique_ptr<EVP_MD_CTX, Free> copy(EVP_MD_CTX_new());
    if (!copy) throw std::bad_alloc();
    require(EVP_MD_CTX_copy_ex(copy.get(), context_.get()));
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned int size = 0;
    require(EVP_DigestFinal_ex(copy.get(), value.data(), &size));
    return s3::hex(std::span(value).first(size));
}

std::string sha256_hex(std::string_view text) {
    auto digest = RunningDigest::sha256();
    digest.update(bytes_of(text));
    return digest.hex();
}

std::string md5_hex(std::string_view text) {
    auto digest = RunningDigest::md5();
    digest.update(bytes_of(text));
    return digest.hex();
}

Mac hmac_sha256(std::span<const unsigned char> key, std::string_view text) {
    Mac mac{};
    unsigned int size = 0;
    if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size))
        throw std::runtime_error("OpenSSL cannot compute a signature");
    return mac;
}

}  // namespace imgsrv::s3
