#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "claims.h"

namespace imgsrv::oidc {

// A token whose signature was verified, and with which key.
struct VerifiedToken {
    RegisteredClaims registered;
    Json claims;
    std::string key_fingerprint;
};

// Signatures that were verified already: a publisher sends one token with hundreds of requests. Only that one fact is
// kept, and that a token was signed does not change. Its times, its key's being in use, its audience and the rules are
// looked at again each time. Holds the latest tokens, by their SHA-256. [any]
class VerifiedTokens {
  public:
    static constexpr std::size_t kMostTokens = 1024;
    static constexpr std::size_t kMostTokenBytes = 4096;  // larger ones are not kept

    // Null: not known.
    std::shared_ptr<const VerifiedToken> find(std::string_view token);
    void put(std::string_view token, std::shared_ptr<const VerifiedToken> verified);

  private:
    using Digest = std::array<unsigned char, 32>;
    struct DigestHash {
        std::size_t operator()(const Digest& d) const;
    };
    struct Entry {
        Digest digest;
        std::shared_ptr<const VerifiedToken> verified;
    };
    static Digest digest_of(std::string_view token);

    std::mutex mutex_;
    std::list<Entry> entries_;  // the latest first
    std::unordered_map<Digest, std::list<Entry>::iterator, DigestHash> index_;
};

}  // namespace imgsrv::oidc
