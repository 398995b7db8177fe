#include "public_key.h"

#include <catch2/catch.hpp>

#include "key_set.h"
#include "signer.h"

using namespace imgsrv::oidc;
using test::Signer;

namespace {

const std::vector<Algorithm> kAll = {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256,
                                     Algorithm::es256, Algorithm::es384, Algorithm::eddsa};

Json key_set(std::initializer_list<Json> keys) {
    return {{"keys", Json::array_t(keys)}};
}

}  // namespace

TEST_CASE("each algorithm verifies what its key has signed, and nothing else") {
    for (const Algorithm algorithm : kAll) {
        CAPTURE(std::string(to_string(algorithm)));
        const Signer signer(algorithm);
        const auto key = PublicKey::from_jwk(signer.jwk("k"));
        REQUIRE(key);
        CHECK(key->id() == "k");
        const std::string signature = signer.sign(algorithm, "text");
        CHECK(key->verifies(algorithm, "text", signature));
        CHECK_FALSE(key->verifies(algorithm, "texts", signature));
        CHECK_FALSE(key->verifies(algorithm, "", signature));
        CHECK_FALSE(key->verifies(algorithm, "text", ""));
        CHECK_FALSE(key->verifies(algorithm, "text", signature + '\0'));
        CHECK_FALSE(key->verifies(algorithm, "text", signature.substr(1)));
        CHECK_FALSE(key->verifies(algorithm, "text", std::string(signature.size(), '\0')));
        CHECK_FALSE(key->verifies(algorithm, "text", std::string(signature.size(), '\xff')));
        for (std::size_t i = 0; i < signature.size(); i += 7) {
            std::string altered = signature;
            altered[i] = static_cast<char>(altered[i] ^ 1);
            CHECK_FALSE(key->verifies(algorithm, "text", altered));
        }
        const auto other = PublicKey::from_jwk(Signer(algorithm).jwk("k"));
        CHECK_FALSE(other->verifies(algorithm, "text", signature));
        CHECK(other->fingerprint() != key->fingerprint());
        CHECK(PublicKey::from_jwk(signer.jwk("renamed"))->fingerprint() == key->fingerprint());
    }
}

TEST_CASE("a signature of one algorithm is none of another") {
    const Signer rsa(Algorithm::rs256);
    const auto key = PublicKey::from_jwk(rsa.jwk("k"));
    for (const Algorithm signed_with : {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256})
        for (const Algorithm claimed : kAll) {
            CAPTURE(std::string(to_string(signed_with)), std::string(to_string(claimed)));
            CHECK(key->verifies(claimed, "text", rsa.sign(signed_with, "text")) == (signed_with == claimed));
        }
}

TEST_CASE("a key that the issuer has for one algorithm serves no other") {
    const Signer rsa(Algorithm::rs256);
    Json jwk = rsa.jwk("k");
    jwk["alg"] = "PS256";
    const auto key = PublicKey::from_jwk(jwk);
    REQUIRE(key);
    CHECK(key->fits(Algorithm::ps256));
    CHECK_FALSE(key->fits(Algorithm::rs256));
    CHECK_FALSE(key->verifies(Algorithm::rs256, "text", rsa.sign(Algorithm::rs256, "text")));
}

TEST_CASE("keys that are weak, damaged or for something else are not used") {
    const Json rsa = Signer(Algorithm::rs256).jwk("k");
    const Json ec = Signer(Algorithm::es256).jwk("k");
    const Json ed = Signer(Algorithm::eddsa).jwk("k");
    const auto usable = [](Json jwk, const Json& changes) {
        jwk.merge_patch(changes);  // a null takes a member away
        return PublicKey::from_jwk(jwk).has_value();
    };
    for (const Json& good : {rsa, ec, ed}) CHECK(usable(good, Json::object()));
    CHECK_FALSE(PublicKey::from_jwk(Signer(Algorithm::rs256, 1024).jwk("k")));
    CHECK_FALSE(PublicKey::from_jwk("a text"));
    CHECK_FALSE(PublicKey::from_jwk({{"kty", "oct"}, {"k", "AAAA"}}));
    CHECK_FALSE(usable(rsa, {{"kty", nullptr}}));
    CHECK_FALSE(usable(rsa, {{"kty", 1}}));
    CHECK_FALSE(usable(rsa, {{"use", "enc"}}));
    CHECK(usable(rsa, {{"use", nullptr}}));
    CHECK_FALSE(usable(rsa, {{"key_ops", {"sign"}}}));
    CHECK(usable(rsa, {{"key_ops", {"verify"}}}));
    CHECK_FALSE(usable(rsa, {{"alg", "ES256"}}));
    CHECK_FALSE(usable(rsa, {{"alg", "RSA-OAEP"}}));
    CHECK_FALSE(usable(rsa, {{"alg", 7}}));
    CHECK_FALSE(usable(rsa, {{"n", "not base64url!"}}));
    CHECK_FALSE(usable(rsa, {{"n", nullptr}}));
    CHECK_FALSE(usable(rsa, {{"n", std::string(1400, '_')}}));  // more than 8192 bits
    CHECK_FALSE(usable(rsa, {{"e", "AQ"}}));                    // 1
    CHECK_FALSE(usable(rsa, {{"e", "Ag"}}));                    // 2
    CHECK_FALSE(usable(ec, {{"crv", "P-384"}}));
    CHECK_FALSE(usable(ec, {{"crv", "secp256k1"}}));
    CHECK_FALSE(usable(ec, {{"x", ec["y"]}}));  // not on the curve
    CHECK_FALSE(usable(ec, {{"y", "AAAA"}}));
    CHECK_FALSE(usable(ed, {{"crv", "Ed448"}}));
    CHECK_FALSE(usable(ed, {{"crv", "X25519"}}));
    CHECK_FALSE(usable(ed, {{"x", "AAAA"}}));
}

TEST_CASE("a key set gives the keys a token may be signed with") {
    const Json rsa = Signer(Algorithm::rs256).jwk("r");
    const Json ec = Signer(Algorithm::es256).jwk("e");
    const Json ec2 = Signer(Algorithm::es256).jwk("e2");
    const auto set = KeySet::parse(key_set({rsa, ec, ec2, {{"kty", "oct"}, {"kid", "o"}}, "junk"}).dump());
    REQUIRE(set);
    CHECK(set->size() == 3);
    REQUIRE(set->candidates("r", Algorithm::rs512).size() == 1);
    CHECK(set->candidates("r", Algorithm::rs512)[0]->id() == "r");
    CHECK(set->candidates("r", Algorithm::es256).empty());
    CHECK(set->candidates("x", Algorithm::rs256).empty());
    CHECK(set->candidates("o", Algorithm::rs256).empty());
    CHECK(set->candidates("", Algorithm::rs256).size() == 1);
    CHECK(set->candidates("", Algorithm::es256).empty());  // there would be a choice
    CHECK(set->has(PublicKey::from_jwk(ec)->fingerprint()));
    CHECK_FALSE(set->has(PublicKey::from_jwk(Signer(Algorithm::es256).jwk("e"))->fingerprint()));
}

TEST_CASE("one kid for several keys: each is tried") {
    const Signer a(Algorithm::es256);
    const Signer b(Algorithm::es256);
    const auto set = KeySet::parse(key_set({a.jwk("same"), b.jwk("same")}).dump());
    CHECK(set->candidates("same", Algorithm::es256).size() == 2);
}

TEST_CASE("what is no key set") {
    for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":1})", "<html>"}) {
        CAPTURE(text);
        CHECK_FALSE(KeySet::parse(text));
    }
    CHECK(KeySet::parse(R"({"keys":[]})")->size() == 0);
}

TEST_CASE("a key set has a limit") {
    Json keys = Json::array();
    const Json one = Signer(Algorithm::eddsa).jwk("k");
    for (int i = 0; i < 150; ++i) keys.push_back(one);
    CHECK(KeySet::parse(Json{{"keys", keys}}.dump())->size() == 100);
}
