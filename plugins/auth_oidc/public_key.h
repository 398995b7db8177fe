#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json.h"
#include "jwt.h"

struct evp_pkey_st;

namespace imgsrv::oidc {

// A key of an issuer that verifies signatures. Cheap to copy, usable from several threads.
class PublicKey {
  public:
    // From a JWK (RFC 7517). None for a key that is not for signatures, has a type that no accepted algorithm uses, or
    // is weak or damaged. Accepted: RSA of 2048 to 8192 bits, P-256, P-384, Ed25519.
    static std::optional<PublicKey> from_jwk(const Json& jwk);

    const std::string& id() const { return id_; }  // empty: it has none
    // Equal for keys with the same numbers.
    const std::string& fingerprint() const { return fingerprint_; }

    // Whether signatures of this algorithm may come from this key.
    bool fits(Algorithm algorithm) const;
    // False for a wrong signature and for an algorithm that does not fit.
    bool verifies(Algorithm algorithm, std::string_view text, std::string_view signature) const;

  private:
    enum class Type : std::uint8_t { rsa, p256, p384, ed25519 };
    using Handle = std::shared_ptr<evp_pkey_st>;

    PublicKey(Type type, Handle key) : type_(type), key_(std::move(key)) {}
    static std::optional<PublicKey> rsa(const Json& jwk);
    static std::optional<PublicKey> elliptic(const Json& jwk);
    static std::optional<PublicKey> edwards(const Json& jwk);

    Type type_;
    Handle key_;
    std::string id_;
    std::string fingerprint_;
    std::optional<Algorithm> only_;  // the one algorithm that the issuer uses it with
};

}  // namespace imgsrv::oidc
