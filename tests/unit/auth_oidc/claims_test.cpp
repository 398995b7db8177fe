#include "claims.h"

#include <catch2/catch.hpp>

#include "fixed_time.h"

using namespace imgsrv::oidc;
namespace cel = imgsrv::cel;

namespace {

Json good() {
    return {{"iss", "https://i"}, {"sub", "s"}, {"aud", "a"}, {"exp", kNow + 300}};
}

std::string refusal_of_claims(const Json& changes, std::int64_t now = kNow) {
    Json claims = good();
    claims.merge_patch(changes);
    const auto read = RegisteredClaims::read(claims);
    if (const auto* refusal = std::get_if<Refusal>(&read)) return refusal->reason;
    const auto complaint = std::get<RegisteredClaims>(read).complaint_at(now * kSecond);
    return complaint ? complaint->reason : "";
}

}  // namespace

TEST_CASE("the registered claims are read") {
    const auto read = RegisteredClaims::read(good());
    REQUIRE(std::holds_alternative<RegisteredClaims>(read));
    const auto& claims = std::get<RegisteredClaims>(read);
    CHECK(claims.issuer == "https://i");
    CHECK(claims.subject == "s");
    CHECK(claims.expires_us == (kNow + 300) * kSecond);
    CHECK(claims.is_for("a"));
    CHECK_FALSE(claims.is_for("A"));
    CHECK_FALSE(claims.is_for(""));
}

TEST_CASE("times have 60 seconds of play and no more") {
    CHECK(refusal_of_claims({{"exp", kNow - 59}}).empty());
    CHECK(refusal_of_claims({{"exp", kNow - 60}}) == "the token expired 60 s ago");
    CHECK(refusal_of_claims({{"nbf", kNow + 60}}).empty());
    CHECK(refusal_of_claims({{"nbf", kNow + 61}}) == "the token is valid only in 61 s");
    CHECK(refusal_of_claims({{"iat", kNow + 60}}).empty());
    CHECK(refusal_of_claims({{"iat", kNow + 61}}) == "the token was issued 61 s in the future");
    CHECK(refusal_of_claims({{"iat", kNow - 100'000}}).empty());
    CHECK(refusal_of_claims({{"exp", static_cast<double>(kNow) + 0.5}}).empty());
}

TEST_CASE("times that are none") {
    for (const Json& value : {Json("1700000300"), Json(true), Json(-1), Json(1e300), Json(Json::array()), Json(1e18)}) {
        CAPTURE(value.dump());
        CHECK(refusal_of_claims({{"exp", value}}) == "the token has no sound time of expiry (exp)");
        CHECK(refusal_of_claims({{"nbf", value}}) == "the token's nbf is no time");
        CHECK(refusal_of_claims({{"iat", value}}) == "the token's iat is no time");
    }
    CHECK(refusal_of_claims({{"exp", nullptr}}) == "the token has no sound time of expiry (exp)");
}

TEST_CASE("who and for whom") {
    CHECK(refusal_of_claims({{"iss", nullptr}}) == "the token names no issuer (iss)");
    CHECK(refusal_of_claims({{"iss", 1}}) == "the token names no issuer (iss)");
    for (const Json& subject :
         {Json(nullptr), Json(""), Json(1), Json(std::string(513, 'x')), Json("a\nb"), Json("\x7f")})
        CHECK(refusal_of_claims({{"sub", subject}})
                  .starts_with("the token's subject (sub) is not a text of 1 to 512 bytes"));
    CHECK(refusal_of_claims({{"sub", std::string(512, 'x')}}).empty());
    CHECK(refusal_of_claims({{"aud", {"a", 1}}}) == "the token's aud is neither a text nor a list of texts");
    const auto several = std::get<RegisteredClaims>(
        RegisteredClaims::read({{"iss", "i"}, {"sub", "s"}, {"exp", 1}, {"aud", {"x", "y"}}}));
    CHECK(several.is_for("y"));
    CHECK_FALSE(several.is_for("x,y"));
}

TEST_CASE("JSON becomes values of the language") {
    const auto value = to_value(Json::parse(
        R"({"b": true, "i": -5, "u": 18446744073709551615, "d": 1.0, "s": "x", "l": [1, null], "m": {"k": 1}})"));
    const auto& map = value.as_map();
    CHECK(map.find("b")->as_boolean());
    CHECK(map.find("i")->as_integer() == -5);
    CHECK(map.find("u")->as_uinteger() == 18446744073709551615U);
    CHECK(map.find("d")->as_real() == 1.0);
    CHECK(map.find("s")->text() == "x");
    CHECK(map.find("l")->as_list()[1].is(cel::Kind::null));
    CHECK(map.find("m")->as_map().find("k")->as_integer() == 1);
}
