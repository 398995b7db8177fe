#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "public_key.h"

namespace imgsrv::oidc {

// The keys an issuer publishes (RFC 7517, section 5). Immutable.
class KeySet {
  public:
    static constexpr std::size_t kMostKeys = 100;

    // None when the text is not a JWK set. Unusable keys are ignored, as the RFC says.
    static std::optional<KeySet> parse(std::string_view text);

    // The keys that may have signed a token with this algorithm. key_id empty: the token names no key; then the choice
    // must be unambiguous, so more than one match counts as none.
    std::vector<const PublicKey*> candidates(std::string_view key_id, Algorithm algorithm) const;
    // Whether a key with this fingerprint is still among them.
    bool has(std::string_view fingerprint) const;

    std::size_t size() const { return keys_.size(); }

  private:
    std::vector<PublicKey> keys_;
};

}  // namespace imgsrv::oidc
