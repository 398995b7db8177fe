#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base64url.h"
#include "jwt.h"

struct evp_pkey_st;

// The issuer's side of the tests: private keys, their JWKs, signatures.
namespace imgsrv::oidc::test {

class Signer {
  public:
    // A new key. algorithm: one it can sign with; rsa_bits: of an RSA key.
    explicit Signer(Algorithm algorithm, int rsa_bits = 2048);

    // Its public half as a JWK, with this kid.
    Json jwk(const std::string& kid) const;
    // As JWS has it.
    std::string sign(Algorithm algorithm, std::string_view text) const;
    // A whole token; header.alg is added.
    std::string token(Algorithm algorithm, Json header, const Json& claims) const;

  private:
    std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace imgsrv::oidc::test
