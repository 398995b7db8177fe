#include "jwt.h"

#include <catch2/catch.hpp>

#include "signer.h"

using namespace imgsrv::oidc;

namespace {

std::string token_of(std::string_view header, std::string_view payload = "{}") {
    return encode_base64url(header) + "." + encode_base64url(payload) + ".AAAA";
}

std::string reason(const std::string& token) {
    const auto parsed = parse_jwt(token);
    const auto* refusal = std::get_if<Refusal>(&parsed);
    return refusal ? refusal->reason : "";
}

}  // namespace

TEST_CASE("a token is taken apart") {
    const std::string token = token_of(R"({"alg":"ES256","kid":"k1","typ":"at+jwt"})", R"({"sub":"x"})");
    const auto parsed = parse_jwt(token);
    const auto* jwt = std::get_if<Jwt>(&parsed);
    REQUIRE(jwt);
    CHECK(jwt->algorithm == Algorithm::es256);
    CHECK(jwt->key_id == "k1");
    CHECK(jwt->claims == Json({{"sub", "x"}}));
    CHECK(jwt->signature == std::string(3, '\0'));
    CHECK(std::string(jwt->signed_part) + ".AAAA" == token);
}

TEST_CASE("the algorithms that are accepted, and the others") {
    for (const char* name : {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}) {
        const auto algorithm = find_algorithm(name);
        REQUIRE(algorithm);
        CHECK(to_string(*algorithm) == name);
    }
    for (const char* name : {"none", "None", "NONE", "", "HS256", "HS384", "HS512", "rs256", "RS1", "PS384", "ES512",
                             "ES256K", "RSA-OAEP", "dir"}) {
        CAPTURE(name);
        CHECK_FALSE(find_algorithm(name));
        CHECK(reason(token_of(Json{{"alg", name}}.dump())) ==
              "the algorithm '" + std::string(name) + "' is not accepted");
    }
    CHECK(reason(token_of(R"({"kid":"x"})")) == "the token names no algorithm");
    CHECK(reason(token_of(R"({"alg":1})")) == "the token names no algorithm");
    CHECK(reason(token_of(R"({"alg":")" + std::string(100, 'x') + "\"}")) ==
          "the algorithm '(100 bytes)' is not accepted");
}

TEST_CASE("a header that asks for what is not understood is refused") {
    CHECK(reason(token_of(R"({"alg":"RS256","crit":["exp"],"exp":1})")).find("crit") != std::string::npos);
    CHECK(reason(token_of(R"({"alg":"RS256","kid":7})")).find("kid") != std::string::npos);
    CHECK(reason(token_of(R"({"alg":"RS256","kid":")" + std::string(257, 'k') + "\"}")).find("kid") !=
          std::string::npos);
    CHECK(reason(token_of(R"({"alg":"RS256","jwk":{"kty":"oct"},"jku":"http://evil","x5u":"x","x5c":[]})")).empty());
}

TEST_CASE("what has not the form of a token") {
    CHECK_FALSE(looks_like_jwt(""));
    CHECK_FALSE(looks_like_jwt("eyJ"));
    CHECK_FALSE(looks_like_jwt("eyJh.e30"));
    CHECK_FALSE(looks_like_jwt("eyJh.e30.x.y"));
    CHECK_FALSE(looks_like_jwt("imgsrv_at_0.1.2"));
    CHECK(looks_like_jwt("eyJh.e30."));
    for (const char* header : {"{\"alg\":1}", "{ \"alg\":1}", "{\n\"alg\":1}", "{\r\n \"alg\":1}", "{\t\"alg\":1}"})
        CHECK(looks_like_jwt(token_of(header)));
    CHECK(reason("eyJh.e30") == "the token does not have three parts");
    CHECK(reason("eyJh.e30=.AAAA") == "a part of the token is not base64url");
    CHECK(reason(token_of("[]")) == "the token's header is not a valid JSON object");
    CHECK(reason(token_of(R"({"alg":"RS256"})", "7")) == "the token's payload is not a valid JSON object");
}

TEST_CASE("a token's size has a limit") {
    const std::string fits = token_of(R"({"alg":"RS256"})", R"({"a":")" + std::string(12'000, 'x') + "\"}");
    CHECK(reason(fits).empty());
    const std::string large = token_of(R"({"alg":"RS256"})", R"({"a":")" + std::string(13'000, 'x') + "\"}");
    CHECK(reason(large) == "the token has " + std::to_string(large.size()) + " bytes; the limit is 16384");
}
