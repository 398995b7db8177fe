#include "verified_tokens.h"

#include <openssl/evp.h>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace imgsrv::oidc {

std::size_t VerifiedTokens::DigestHash::operator()(const Digest& d) const {
    std::size_t hash = 0;
    std::memcpy(&hash, d.data(), sizeof hash);
    return hash;
}

VerifiedTokens::Digest VerifiedTokens::digest_of(std::string_view token) {
    Digest digest;
    if (EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
    return digest;
}

std::shared_ptr<const VerifiedToken> VerifiedTokens::find(std::string_view token) {
    if (token.size() > kMostTokenBytes) return nullptr;
    const Digest digest = digest_of(token);
    const std::lock_guard lock(mutex_);
    const auto it = index_.find(digest);
    if (it == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, it->second);
    return it->second->verified;
}

void VerifiedTokens::put(std::string_view token, std::shared_ptr<const VerifiedToken> verified) {
    if (token.size() > kMostTokenBytes) return;
    const Digest digest = digest_of(token);
    const std::lock_guard lock(mutex_);
    if (const auto it = index_.find(digest); it != index_.end()) {
        it->second->verified = std::move(verified);
        return;
    }
    entries_.push_front({digest, std::move(verified)});
    index_[digest] = entries_.begin();
    if (entries_.size() <= kMostTokens) return;
    index_.erase(entries_.back().digest);
    entries_.pop_back();
}

}  // namespace imgsrv::oidc
