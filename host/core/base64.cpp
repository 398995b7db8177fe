#include "core/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace imgsrv {
namespace {

std::string encode_padded(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    std::string padded(text);
    padded.append((4 - text.size() % 4) % 4, '=');
    std::string bytes(padded.size() / 4 * 3, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(padded.data()), static_cast<int>(padded.size()));
    if (size < 0) return std::nullopt;
    bytes.resize(text.size() * 6 / 8);
    // OpenSSL passes over blanks and unused bits, so the value is written again and compared.
    if (encode_padded(bytes) != padded) return std::nullopt;
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text = encode_padded(bytes);
    text.erase(std::min(text.size(), text.find('=')));
    std::replace(text.begin(), text.end(), '+', '-');
    std::replace(text.begin(), text.end(), '/', '_');
    return text;
}

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
    std::string standard(text);
    std::replace(standard.begin(), standard.end(), '-', '+');
    std::replace(standard.begin(), standard.end(), '_', '/');
    return decode_base64(standard);
}

}  // namespace imgsrv
