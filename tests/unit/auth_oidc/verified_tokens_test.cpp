#include "verified_tokens.h"

#include <catch2/catch.hpp>

using namespace imgsrv::oidc;

namespace {

std::shared_ptr<const VerifiedToken> of(const std::string& subject) {
    RegisteredClaims registered;
    registered.subject = subject;
    return std::make_shared<const VerifiedToken>(std::move(registered), Json::object(), "fingerprint");
}

}  // namespace

TEST_CASE("a token that was verified is known by all of its bytes") {
    VerifiedTokens tokens;
    CHECK(tokens.find("a.b.c") == nullptr);
    tokens.put("a.b.c", of("x"));
    REQUIRE(tokens.find("a.b.c"));
    CHECK(tokens.find("a.b.c")->registered().subject == "x");
    CHECK(tokens.find("a.b.d") == nullptr);
    tokens.put("a.b.c", of("y"));
    CHECK(tokens.find("a.b.c")->registered().subject == "y");
}

TEST_CASE("the tokens that were not used for longest are forgotten") {
    VerifiedTokens tokens;
    for (std::size_t i = 0; i < VerifiedTokens::kMostTokens; ++i) tokens.put("t" + std::to_string(i), of("x"));
    CHECK(tokens.find("t0"));
    tokens.put("one more", of("x"));
    CHECK(tokens.find("t0"));
    CHECK_FALSE(tokens.find("t1"));
    CHECK(tokens.find("t2"));
}

TEST_CASE("large tokens are not kept") {
    VerifiedTokens tokens;
    const std::string large(VerifiedTokens::kMostTokenBytes + 1, 'x');
    tokens.put(large, of("x"));
    CHECK(tokens.find(large) == nullptr);
}

TEST_CASE("what the rules said of a token is kept with it") {
    const auto token = of("x");
    CHECK(token->judgement() == nullptr);
    auto judgement = std::make_shared<Judgement>();
    judgement->generation = 7;
    token->keep(judgement);
    REQUIRE(token->judgement());
    CHECK(token->judgement()->generation == 7);
}
