#pragma once

#include <array>
#include <cstddef>
#include <imgsrv/imgsrv.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "claims.h"

namespace imgsrv::oidc {

// What one state of the rules says about a token. It depends on nothing else, not even the time.
struct Judgement {
    std::int64_t generation = 0;  // of the rules
    bool meant = false;           // for the audience of a rule for its issuer
    sdk::Principal principal;     // with a claim for each rule whose condition holds
    std::string reasons;          // why others do not, for the log
};

// A token whose signature was verified, and with which key. [any]
class VerifiedToken {
  public:
    VerifiedToken(RegisteredClaims registered, Json claims, std::string key_fingerprint)
        : registered_(std::move(registered)),
          claims_(std::move(claims)),
          key_fingerprint_(std::move(key_fingerprint)) {}

    const RegisteredClaims& registered() const { return registered_; }
    const Json& claims() const { return claims_; }
    const std::string& key_fingerprint() const { return key_fingerprint_; }

    // The latest; null: none yet.
    std::shared_ptr<const Judgement> judgement() const {
        const std::lock_guard lock(mutex_);
        return judgement_;
    }
    void keep(std::shared_ptr<const Judgement> judgement) const {
        const std::lock_guard lock(mutex_);
        judgement_ = std::move(judgement);
    }

  private:
    const RegisteredClaims registered_;
    const Json claims_;
    const std::string key_fingerprint_;
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Judgement> judgement_;
};

// Tokens whose signature has been verified: a publisher sends one token with hundreds of requests. Only that fact is
// cached, and what the current rules say; neither can change. The token's times, and whether its key is still in use,
// are checked on every request. Holds the latest tokens, by their SHA-256. [any]
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
