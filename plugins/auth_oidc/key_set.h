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

    // None when the text is no JWK set. Keys that cannot be used are passed over, as the RFC wants it.
    static std::optional<KeySet> parse(std::string_view text);

    // The keys that a token of this algorithm may be signed with. key_id empty: the token names none; then there must
    // be no choice, so that more than one key is none.
    std::vector<const PublicKey*> candidates(std::string_view key_id, Algorithm algorithm) const;
    // Whether a key of this fingerprint is still among them.
    bool has(std::string_view fingerprint) const;

    std::size_t size() const { return keys_.size(); }

  private:
    std::vector<PublicKey> keys_;
};

}  // namespace imgsrv::oidc
