#include "public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <vector>

#include "base64url.h"

namespace imgsrv::oidc {
namespace {

template <class T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* p) const { Free(p); }
};
using Number = std::unique_ptr<BIGNUM, Deleter<BIGNUM, BN_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM, OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX, EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG, ECDSA_SIG_free>>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// A member that holds bytes.
std::optional<std::string> binary(const Json& jwk, const char* member) {
    const std::string* text = find_string(jwk, member);
    return text ? decode_base64url(*text) : std::nullopt;
}

Number number(std::string_view big_endian) {
    return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> build(const char* type, OSSL_PARAM_BLD* builder) {
    const Params params(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return {key, EVP_PKEY_free};
}

// A point that is not on its curve, and the like.
bool is_sound(EVP_PKEY* key) {
    const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    return context && EVP_PKEY_public_check(context.get()) == 1;
}

std::string fingerprint_of(EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    if (size <= 0) return {};
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
}

// JWS has the two numbers side by side in a fixed width (RFC 7518, section 3.4), OpenSSL wants DER. Empty: they are
// not.
std::vector<unsigned char> to_der(std::string_view signature, std::size_t width) {
    if (signature.size() != 2 * width) return {};
    Number r = number(signature.substr(0, width));
    Number s = number(signature.substr(width));
    const EcSignature pair(ECDSA_SIG_new());
    if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
    if (size <= 0) return {};
    std::vector<unsigned char> der(static_cast<std::size_t>(size));
    unsigned char* at = der.data();
    i2d_ECDSA_SIG(pair.get(), &at);
    return der;
}

const EVP_MD* digest_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::rs256:
        case Algorithm::ps256:
        case Algorithm::es256:
            return EVP_sha256();
        case Algorithm::rs384:
        case Algorithm::es384:
            return EVP_sha384();
        case Algorithm::rs512:
            return EVP_sha512();
        case Algorithm::eddsa:
            break;
    }
    return nullptr;
}

bool is_for_signatures(const Json& jwk) {
    const auto use = jwk.find("use");
    if (use != jwk.end() && *use != "sig") return false;
    const auto operations = jwk.find("key_ops");
    if (operations == jwk.end()) return true;
    if (!operations->is_array()) return false;
    return std::find(operations->begin(), operations->end(), "verify") != operations->end();
}

}  // namespace

std::optional<PublicKey> PublicKey::from_jwk(const Json& jwk) {
    if (!jwk.is_object() || !is_for_signatures(jwk)) return std::nullopt;
    const std::string* type = find_string(jwk, "kty");
    if (!type) return std::nullopt;
    auto key = *type == "RSA" ? rsa(jwk) : *type == "EC" ? elliptic(jwk) : *type == "OKP" ? edwards(jwk) : std::nullopt;
    if (!key) return std::nullopt;
    if (jwk.contains("alg")) {
        const std::string* name = find_string(jwk, "alg");
        key->only_ = name ? find_algorithm(*name) : std::nullopt;
        if (!key->only_ || !key->fits(*key->only_)) return std::nullopt;
    }
    if (const std::string* id = find_string(jwk, "kid")) key->id_ = *id;
    key->fingerprint_ = fingerprint_of(key->key_.get());
    if (key->fingerprint_.empty()) return std::nullopt;
    return key;
}

std::optional<PublicKey> PublicKey::rsa(const Json& jwk) {
    const auto modulus = binary(jwk, "n");
    const auto exponent = binary(jwk, "e");
    // Above 8192 bits a verification takes too long.
    if (!modulus || !exponent || modulus->size() > 1024 || exponent->size() > 8) return std::nullopt;
    const Number n = number(*modulus);
    const Number e = number(*exponent);
    const Builder builder(OSSL_PARAM_BLD_new());
    if (!n || !e || !builder || BN_num_bits(n.get()) < 2048 || BN_num_bits(e.get()) < 2 || !BN_is_odd(e.get()) ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
        return std::nullopt;
    Handle key = build("RSA", builder.get());
    if (!key) return std::nullopt;
    return PublicKey(Type::rsa, std::move(key));
}

std::optional<PublicKey> PublicKey::elliptic(const Json& jwk) {
    const std::string* curve = find_string(jwk, "crv");
    const auto x = binary(jwk, "x");
    const auto y = binary(jwk, "y");
    if (!curve || !x || !y || (*curve != "P-256" && *curve != "P-384")) return std::nullopt;
    const bool small = *curve == "P-256";
    const std::size_t width = small ? 32 : 48;
    if (x->size() != width || y->size() != width) return std::nullopt;
    const std::string point = '\x04' + *x + *y;  // uncompressed
    const Builder builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->c_str(), 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return std::nullopt;
    Handle key = build("EC", builder.get());
    if (!key || !is_sound(key.get())) return std::nullopt;
    return PublicKey(small ? Type::p256 : Type::p384, std::move(key));
}

std::optional<PublicKey> PublicKey::edwards(const Json& jwk) {
    const std::string* curve = find_string(jwk, "crv");
    const auto x = binary(jwk, "x");
    if (!curve || !x || *curve != "Ed25519") return std::nullopt;
    Handle key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()), EVP_PKEY_free);
    if (!key) return std::nullopt;
    return PublicKey(Type::ed25519, std::move(key));
}

bool PublicKey::fits(Algorithm algorithm) const {
    if (only_ && *only_ != algorithm) return false;
    switch (algorithm) {
        case Algorithm::rs256:
        case Algorithm::rs384:
        case Algorithm::rs512:
        case Algorithm::ps256:
            return type_ == Type::rsa;
        case Algorithm::es256:
            return type_ == Type::p256;
        case Algorithm::es384:
            return type_ == Type::p384;
        case Algorithm::eddsa:
            return type_ == Type::ed25519;
    }
    return false;
}

bool PublicKey::verifies(Algorithm algorithm, std::string_view text, std::string_view signature) const {
    if (!fits(algorithm)) return false;
    std::vector<unsigned char> der;
    if (type_ == Type::p256 || type_ == Type::p384) {
        der = to_der(signature, type_ == Type::p256 ? 32 : 48);
        if (der.empty()) return false;
        signature = {reinterpret_cast<const char*>(der.data()), der.size()};
    }
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* parameters = nullptr;
    if (!context || EVP_DigestVerifyInit(context.get(), &parameters, digest_of(algorithm), nullptr, key_.get()) != 1)
        return false;
    // RFC 7518, section 3.5: the salt is as long as the digest.
    if (algorithm == Algorithm::ps256 && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                                          EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
        return false;
    return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text), text.size()) == 1;
}

}  // namespace imgsrv::oidc
