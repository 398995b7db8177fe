#include "rule.h"

#include <catch2/catch.hpp>

using namespace imgsrv::oidc;
namespace sdk = imgsrv::sdk;

namespace {

sdk::Rule sample_rule(const std::string& condition) {
    return {"r1", "https://i.example.org", "images", {"ref", "groups", "a-b"}, condition};
}

std::string complaint(const sdk::Rule& rule) {
    const auto compiled = Rule::compile(rule);
    const auto* text = std::get_if<std::string>(&compiled);
    return text ? *text : "";
}

// "yes", "no", or why it could not be evaluated.
std::string outcome(const std::string& condition, const Json& claims) {
    std::string why_not;
    const bool holds = std::get<Rule>(Rule::compile(sample_rule(condition))).holds(claims, why_not);
    return holds ? "yes" : why_not.empty() ? "no" : why_not;
}

}  // namespace

TEST_CASE("a condition sees the claims that are forwarded") {
    CHECK(outcome("claims.ref == 'main'", {{"ref", "main"}}) == "yes");
    CHECK(outcome("claims.ref == 'main'", {{"ref", "other"}}) == "no");
    CHECK(outcome("size(claims) == 1", {{"ref", "x"}, {"secret", "y"}}) == "yes");
    CHECK(outcome("claims.exists(k, k == 'secret')", {{"ref", "x"}, {"secret", "y"}}) == "no");
    CHECK(outcome("claims['a-b'] && claims.`a-b`", {{"a-b", true}}) == "yes");
    CHECK(outcome("has(claims.ref)", Json::object()) == "no");
}

TEST_CASE("what cannot be evaluated does not hold") {
    CHECK(outcome("claims.ref == 'x'", Json::object()) == "line 1, column 8: no such key: 'ref'");
    CHECK(outcome("claims.ref", {{"ref", "true"}}) == "the condition yields string and not a bool");
    CHECK(outcome("claims.ref > 5", {{"ref", "x"}}).ends_with("no such overload: string > int"));
    Json groups = Json::array();
    for (int i = 0; i < 200; ++i) groups.push_back("g");
    CHECK(outcome("claims.groups.all(x, claims.groups.all(y, x == y))", {{"groups", groups}})
              .ends_with("the evaluation costs too much; the limit is 20000 units"));
}

TEST_CASE("a rule that is wrong says in which member and where") {
    CHECK(complaint(sample_rule("true")).empty());
    CHECK(complaint(sample_rule("claims.ref ==")) ==
          "condition: line 1, column 14: expected a value and found the end");
    CHECK(complaint(sample_rule("claim.ref")) == "condition: line 1, column 1: undeclared reference to 'claim'");
    CHECK(complaint(sample_rule("1 + 1")) == "condition: line 1, column 1: it must yield a bool and yields int");
    sdk::Rule rule = sample_rule("true");
    rule.audience = "";
    CHECK(complaint(rule) == "audience: it must not be empty");
    rule = sample_rule("true");
    rule.issuer = "http://i.example.org";
    CHECK(complaint(rule).starts_with("issuer_url: the URL must be https"));
    rule = sample_rule("true");
    rule.claims = {"imgsrv:rule"};
    CHECK(complaint(rule).starts_with("forwarded_claims: 'imgsrv:rule'"));
}

TEST_CASE("a claim that is asked for and not forwarded is a mistake") {
    const std::string at8 = "condition: line 1, column 8: the claim 'actor' is not among forwarded_claims";
    CHECK(complaint(sample_rule("claims.actor == 'x'")) == at8);
    CHECK(
        complaint(sample_rule("claims['actor'] == 'x'")).ends_with("the claim 'actor' is not among forwarded_claims"));
    CHECK(complaint(sample_rule("has(claims.actor)")).ends_with("the claim 'actor' is not among forwarded_claims"));
    CHECK(complaint(sample_rule("'actor' in claims")).ends_with("the claim 'actor' is not among forwarded_claims"));
    CHECK(complaint(sample_rule("claims.ref.actor == 'x'")).empty());
    CHECK(complaint(sample_rule("claims.groups.exists(claims, claims.actor)")).empty());
}
