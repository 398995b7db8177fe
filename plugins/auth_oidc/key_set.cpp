#include "key_set.h"

#include <algorithm>

namespace imgsrv::oidc {

std::optional<KeySet> KeySet::parse(std::string_view text) {
    const auto document = parse_object(text);
    if (!document) return std::nullopt;
    const auto keys = document->find("keys");
    if (keys == document->end() || !keys->is_array()) return std::nullopt;
    KeySet set;
    for (const Json& jwk : *keys) {
        if (set.keys_.size() == kMostKeys) break;
        if (auto key = PublicKey::from_jwk(jwk)) set.keys_.push_back(std::move(*key));
    }
    return set;
}

std::vector<const PublicKey*> KeySet::candidates(std::string_view key_id, Algorithm algorithm) const {
    // Several keys with one kid are the issuer's mistake; trying a few of them costs little.
    constexpr std::size_t kMost = 4;
    std::vector<const PublicKey*> found;
    for (const PublicKey& key : keys_)
        if (key.fits(algorithm) && (key_id.empty() || key.id() == key_id) && found.size() < kMost)
            found.push_back(&key);
    if (key_id.empty() && found.size() > 1) found.clear();
    return found;
}

bool KeySet::has(std::string_view fingerprint) const {
    return std::any_of(keys_.begin(), keys_.end(),
                       [&](const PublicKey& key) { return key.fingerprint() == fingerprint; });
}

}  // namespace imgsrv::oidc
