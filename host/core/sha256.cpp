// SHA256_* is deprecated in OpenSSL 3 but is the only interface whose state can be stored; it uses SHA-NI as EVP does.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/sha256.h"

#include <openssl/sha.h>

#include <cstring>

#include "core/hex.h"

namespace imgsrv {
namespace {

// Names the layout of SHA256_CTX below: its members in order, word size and byte order.
constexpr std::string_view kTag = "openssl-sha256-ctx/h8,nl,nh,data16,num,md_len/u32le/1\n";

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

std::string hex_of(const Digest& digest) {
    return to_hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

static_assert(sizeof(SHA256_CTX) == 112);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "this machine's state needs a layout tag of its own");

}  // namespace

Sha256::Sha256() {
    SHA256_Init(reinterpret_cast<SHA256_CTX*>(state_.data()));
}

void Sha256::update(std::span<const std::byte> bytes) {
    SHA256_Update(reinterpret_cast<SHA256_CTX*>(state_.data()), bytes.data(), bytes.size());
    length_ += bytes.size();
}

std::string Sha256::hex() const {
    SHA256_CTX copy;
    std::memcpy(&copy, state_.data(), sizeof copy);
    Digest md{};
    SHA256_Final(md.data(), &copy);
    return hex_of(md);
}

std::string Sha256::save() const {
    std::string out(kTag);
    out.append(reinterpret_cast<const char*>(state_.data()), state_.size());
    out.append(reinterpret_cast<const char*>(&length_), sizeof length_);
    return out;
}

Result<Sha256> Sha256::restore(std::string_view saved) {
    Sha256 h;
    if (saved.size() != kTag.size() + h.state_.size() + sizeof h.length_ || !saved.starts_with(kTag))
        return Status(Code::failed_precondition, "the stored hash state has another layout");
    saved.remove_prefix(kTag.size());
    std::memcpy(h.state_.data(), saved.data(), h.state_.size());
    std::memcpy(&h.length_, saved.data() + h.state_.size(), sizeof h.length_);
    return h;
}

std::string sha256_hex(std::string_view bytes) {
    Digest md{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), md.data());
    return hex_of(md);
}

}  // namespace imgsrv
