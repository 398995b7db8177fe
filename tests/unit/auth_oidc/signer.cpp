#include "signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace imgsrv::oidc::test {
namespace {

void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

std::string number(EVP_PKEY* key, const char* name, int width) {
    BIGNUM* value = nullptr;
    require(EVP_PKEY_get_bn_param(key, name, &value) == 1, name);
    std::string bytes(static_cast<std::size_t>(width > 0 ? width : BN_num_bytes(value)), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    BN_free(value);
    return encode_base64url(bytes);
}

const EVP_MD* digest_of(Algorithm algorithm) {
    if (algorithm == Algorithm::eddsa) return nullptr;
    if (algorithm == Algorithm::rs384 || algorithm == Algorithm::es384) return EVP_sha384();
    return algorithm == Algorithm::rs512 ? EVP_sha512() : EVP_sha256();
}

std::string side_by_side(const std::string& der, int width) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    require(pair != nullptr, "ECDSA signature");
    std::string out(2 * static_cast<std::size_t>(width), '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, width);
    BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + width, width);
    ECDSA_SIG_free(pair);
    return out;
}

}  // namespace

Signer::Signer(Algorithm algorithm, int rsa_bits) {
    EVP_PKEY* key = nullptr;
    switch (algorithm) {
        case Algorithm::es256:
            key = EVP_EC_gen("P-256");
            break;
        case Algorithm::es384:
            key = EVP_EC_gen("P-384");
            break;
        case Algorithm::eddsa:
            key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
            break;
        default:
            key = EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
    }
    require(key != nullptr, "key generation");
    key_ = {key, EVP_PKEY_free};
}

Json Signer::jwk(const std::string& kid) const {
    EVP_PKEY* key = key_.get();
    Json jwk = {{"kid", kid}, {"use", "sig"}};
    if (EVP_PKEY_is_a(key, "RSA")) {
        jwk.update({{"kty", "RSA"},
                    {"n", number(key, OSSL_PKEY_PARAM_RSA_N, 0)},
                    {"e", number(key, OSSL_PKEY_PARAM_RSA_E, 0)}});
    } else if (EVP_PKEY_is_a(key, "EC")) {
        const bool small = EVP_PKEY_get_bits(key) == 256;
        const int width = small ? 32 : 48;
        jwk.update({{"kty", "EC"},
                    {"crv", small ? "P-256" : "P-384"},
                    {"x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, width)},
                    {"y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, width)}});
    } else {
        std::array<unsigned char, 32> raw{};
        std::size_t size = raw.size();
        require(EVP_PKEY_get_raw_public_key(key, raw.data(), &size) == 1, "raw key");
        jwk.update(
            {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", encode_base64url({reinterpret_cast<char*>(raw.data()), size})}});
    }
    return jwk;
}

std::string Signer::sign(Algorithm algorithm, std::string_view text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* parameters = nullptr;
    require(EVP_DigestSignInit(context, &parameters, digest_of(algorithm), nullptr, key_.get()) == 1, "signing");
    if (algorithm == Algorithm::ps256)
        require(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1,
                "padding");
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1, "size");
    std::string signature(size, '\0');
    require(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes, text.size()) == 1,
            "signature");
    signature.resize(size);
    EVP_MD_CTX_free(context);
    if (algorithm == Algorithm::es256) return side_by_side(signature, 32);
    if (algorithm == Algorithm::es384) return side_by_side(signature, 48);
    return signature;
}

std::string Signer::token(Algorithm algorithm, Json header, const Json& claims) const {
    header["alg"] = to_string(algorithm);
    const std::string text = encode_base64url(header.dump()) + "." + encode_base64url(claims.dump());
    return text + "." + encode_base64url(sign(algorithm, text));
}

}  // namespace imgsrv::oidc::test
