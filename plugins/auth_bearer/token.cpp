#include "token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>

namespace imgsrv::bearer {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretDigits = 2 * kSecretBytes;

bool is_lower_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string hex(const unsigned char* bytes, std::size_t n) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 0xF];
    }
    return text;
}

constexpr std::size_t kDashes[] = {8, 13, 18, 23};  // in a UUID of 36 characters

std::string with_dashes(std::string_view digits) {
    std::string id(digits);
    for (const std::size_t at : kDashes) id.insert(at, 1, '-');
    return id;
}

// Empty unless it is a UUID in lower case.
std::string without_dashes(std::string_view id) {
    std::string digits(id);
    if (id.size() == kIdDigits + std::size(kDashes)) {
        if (!std::all_of(std::begin(kDashes), std::end(kDashes), [&](std::size_t at) { return id[at] == '-'; }))
            return {};
        std::erase(digits, '-');
    }
    return digits.size() == kIdDigits && is_lower_hex(digits) ? digits : std::string();
}

}  // namespace

std::optional<Token> Token::parse(std::string_view text) {
    if (text.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits || !text.starts_with(kPrefix))
        return std::nullopt;
    text.remove_prefix(kPrefix.size());
    const std::string_view id = text.substr(0, kIdDigits);
    const std::string_view secret = text.substr(kIdDigits + 1);
    if (text[kIdDigits] != '_' || !is_lower_hex(id) || !is_lower_hex(secret)) return std::nullopt;
    return Token{with_dashes(id), secret};
}

std::string new_secret() {
    std::array<unsigned char, kSecretBytes> bytes;
    if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw std::runtime_error("the random generator failed");
    std::string secret = hex(bytes.data(), bytes.size());
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return secret;
}

std::optional<std::string> compose(std::string_view id, std::string_view secret) {
    const std::string digits = without_dashes(id);
    if (digits.empty()) return std::nullopt;
    return std::string(kPrefix).append(digits).append("_").append(secret);
}

std::string verifier_of(std::string_view secret) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    std::size_t size = 0;
    if (EVP_Q_digest(nullptr, "SHA256", nullptr, secret.data(), secret.size(), digest.data(), &size) != 1)
        throw std::runtime_error("SHA-256 is not available");
    return "sha256:" + hex(digest.data(), size);
}

bool matches(std::string_view secret, std::string_view verifier) {
    const std::string wanted = verifier_of(secret);
    return wanted.size() == verifier.size() && CRYPTO_memcmp(wanted.data(), verifier.data(), wanted.size()) == 0;
}

}  // namespace imgsrv::bearer
