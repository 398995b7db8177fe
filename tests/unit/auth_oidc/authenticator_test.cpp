#include "authenticator.h"

#include <catch2/catch.hpp>
#include <map>
#include <stdexcept>
#include <vector>

#include "fixed_time.h"
#include "signer.h"

using namespace imgsrv::oidc;
using test::Signer;
namespace sdk = imgsrv::sdk;
using std::chrono::seconds;

namespace {

constexpr const char* kIssuer = "https://i.example.org";

// A host with these rules. It keeps the reasons that are logged.
class FakeHost {
  public:
    FakeHost() {
        store_.struct_size = sizeof store_;
        store_.ctx = this;
        store_.generation = [](void* ctx, const imgsrv_call*, std::int64_t* out,
                               imgsrv_error* err) noexcept -> imgsrv_code {
            const auto& self = *static_cast<FakeHost*>(ctx);
            *out = self.generation_;
            return sdk::guarded(err, [&] {
                if (self.away) throw sdk::Failure(IMGSRV_UNAVAILABLE, "away");
            });
        };
        store_.list = [](void* ctx, const imgsrv_call*, imgsrv_auth_rule_sink* out, std::int64_t* generation,
                         imgsrv_error*) noexcept -> imgsrv_code {
            const auto& self = *static_cast<FakeHost*>(ctx);
            for (const sdk::Rule& rule : self.rules_) {
                std::vector<imgsrv_str> claims;
                for (const std::string& claim : rule.claims) claims.push_back(sdk::str(claim));
                const imgsrv_auth_rule raw{sizeof raw,
                                           0,
                                           sdk::str(rule.id),
                                           sdk::str(rule.issuer),
                                           sdk::str(rule.audience),
                                           claims.data(),
                                           claims.size(),
                                           sdk::str(rule.condition)};
                out->add(out->ctx, &raw);
            }
            *generation = self.generation_;
            return IMGSRV_OK;
        };
        host_.struct_size = sizeof host_;
        host_.ctx = this;
        host_.version = "test";
        host_.log_enabled = [](void*, std::int32_t) noexcept -> std::int32_t { return 1; };
        host_.log = [](void* ctx, std::int32_t, const imgsrv_call*, imgsrv_str, const imgsrv_kv* fields,
                       std::size_t n) noexcept {
            for (std::size_t i = 0; i < n; ++i)
                if (const auto key = sdk::view(fields[i].key); key == "reason" || key == "reasons")
                    static_cast<FakeHost*>(ctx)->reason = sdk::view(fields[i].value);
        };
        host_.metric = [](void*, std::int32_t, const char*, double, const imgsrv_kv*, std::size_t) noexcept {};
        host_.service = [](void* ctx, const char* id) noexcept -> const void* {
            return std::string_view(id) == IMGSRV_SERVICE_RULE_STORE ? &static_cast<FakeHost*>(ctx)->store_ : nullptr;
        };
    }

    sdk::Host get() const { return sdk::Host(&host_); }
    void set(std::vector<sdk::Rule> rules) {
        rules_ = std::move(rules);
        ++generation_;
    }

    bool away = false;
    std::string reason;

  private:
    imgsrv_host host_{};
    imgsrv_rule_store store_{};
    std::vector<sdk::Rule> rules_;
    std::int64_t generation_ = 0;
};

struct Documents final : DocumentSource {
    explicit Documents(std::map<std::string, std::string>& texts) : texts_(texts) {}
    std::string get(const sdk::Call&, const std::string& url) override {
        const auto it = texts_.find(url);
        if (it == texts_.end()) throw sdk::Failure(IMGSRV_UNAVAILABLE, "away");
        return it->second;
    }
    std::map<std::string, std::string>& texts_;
};

sdk::Rule rule_with(const std::string& condition) {
    return {"r1", kIssuer, "images", {"sub", "groups"}, condition};
}

// An issuer, rules that trust it, and a clock that the test moves.
struct World {
    World() {
        publish({key.jwk("k")});
        host.set({rule_with("claims.sub == 's'")});
    }

    void publish(const std::vector<Json>& keys) {
        documents[std::string(kIssuer) + "/.well-known/openid-configuration"] =
            Json{{"issuer", kIssuer}, {"jwks_uri", std::string(kIssuer) + "/jwks"}}.dump();
        documents[std::string(kIssuer) + "/jwks"] = Json{{"keys", keys}}.dump();
    }
    std::string token(const Json& changes = Json::object()) const {
        Json claims = {{"iss", kIssuer}, {"sub", "s"}, {"aud", "images"}, {"exp", kNow + 300}};
        claims.merge_patch(changes);
        return key.token(Algorithm::es256, {{"kid", "k"}}, claims);
    }
    // "let in", "known", or why not.
    std::string outcome(const std::string& text) {
        host.reason.clear();
        const auto answer = authenticator.authenticate(kCall, {"Bearer", text, "peer"});
        if (answer.verdict == IMGSRV_AUTH_NOT_MINE) return "not mine";
        if (answer.verdict == IMGSRV_AUTH_REJECTED) return host.reason;
        return answer.principal.claims.empty() ? "known" : "let in";
    }

    Signer key{Algorithm::es256};
    FakeHost host;
    std::map<std::string, std::string> documents;
    std::int64_t now_us = kNow * kSecond;
    FetchPolicy policy{seconds(0), seconds(0), seconds(0)};  // whoever asks is asked for keys
    Authenticator authenticator{host.get(), std::make_unique<Documents>(documents), policy, [this] { return now_us; }};
};

}  // namespace

TEST_CASE("a token that was verified once expires all the same") {
    World w;
    const std::string token = w.token({{"nbf", kNow}});
    CHECK(w.outcome(token) == "let in");
    w.now_us = (kNow + 300 + 59) * kSecond;
    CHECK(w.outcome(token) == "let in");
    w.now_us = (kNow + 300 + 60) * kSecond;
    CHECK(w.outcome(token) == "the token expired 60 s ago");
    w.now_us = (kNow - 61) * kSecond;  // a clock that was set back
    CHECK(w.outcome(token) == "the token is valid only in 61 s");
}

TEST_CASE("a token that was verified once needs its key to be in use") {
    World w;
    const std::string token = w.token();
    CHECK(w.outcome(token) == "let in");
    const Signer other(Algorithm::es256);
    w.publish({other.jwk("k")});
    CHECK(w.outcome(token) == "let in");  // nobody has asked the issuer yet
    w.authenticator.tick(kCall);
    CHECK(w.outcome(token) == "the signature is not that of the key 'k' of the issuer 'https://i.example.org'");
    w.publish({w.key.jwk("renamed")});
    w.authenticator.tick(kCall);
    CHECK(w.outcome(token) == "let in");  // the key it was verified with
    w.documents.clear();
    w.authenticator.tick(kCall);
    CHECK(w.outcome(token) == "let in");
}

TEST_CASE("what the rules say is asked again when they change") {
    World w;
    const std::string token = w.token({{"groups", {"g"}}});
    CHECK(w.outcome(token) == "let in");
    w.host.set({rule_with("claims.sub == 'other'")});
    CHECK(w.outcome(token) == "known");
    CHECK(w.host.reason == "rule r1: the condition is false");
    w.host.set({rule_with("'g' in claims.groups")});
    CHECK(w.outcome(token) == "let in");
    sdk::Rule rule = rule_with("true");
    rule.audience = "others";
    w.host.set({rule});
    CHECK(w.outcome(token) ==
          "no rule for the issuer 'https://i.example.org' has an audience that the token is meant for");
    rule = rule_with("true");
    rule.issuer = "https://j.example.org";
    w.host.set({rule});
    CHECK(w.outcome(token) == "no rule trusts the issuer 'https://i.example.org'");
    w.host.set({});
    CHECK(w.outcome(token) == "no rule trusts the issuer 'https://i.example.org'");
    w.host.set({rule_with("true")});
    CHECK(w.outcome(token) == "let in");
    // Whoever cannot ask for the rules lets nobody in.
    w.host.away = true;
    CHECK_THROWS_AS(w.outcome(token), sdk::Failure);
}

TEST_CASE("a principal is what the token says, and claims are those that rules forward") {
    World w;
    w.host.set({rule_with("true"),
                {"r2", kIssuer, "images", {"groups", "n"}, "claims.n == 1"},
                {"r3", kIssuer, "images", {"secret"}, "false"},
                {"r4", kIssuer, "others", {"secret"}, "true"}});
    const auto answer = w.authenticator.authenticate(
        kCall, {"bearer", w.token({{"groups", {"g"}}, {"n", 1}, {"secret", "x"}, {"aud", {"a", "images"}}}), "peer"});
    REQUIRE(answer.verdict == IMGSRV_AUTH_ACCEPTED);
    CHECK(answer.principal.issuer == kIssuer);
    CHECK(answer.principal.subject == "s");
    CHECK(answer.principal.expires_us == (kNow + 300) * kSecond);
    const std::vector<std::pair<std::string, std::string>> wanted = {
        {IMGSRV_CLAIM_RULE, "r1"}, {"sub", "\"s\""}, {"groups", "[\"g\"]"}, {IMGSRV_CLAIM_RULE, "r2"}, {"n", "1"}};
    CHECK(answer.principal.claims == wanted);
}

TEST_CASE("what is not for this plugin, and what is too long for it") {
    World w;
    CHECK(w.authenticator.authenticate(kCall, {"Basic", w.token(), ""}).verdict == IMGSRV_AUTH_NOT_MINE);
    CHECK(w.outcome("imgsrv_at_0_0") == "not mine");
    CHECK(w.outcome("eyJ.x") == "not mine");
    const std::string large = w.token({{"x", std::string(13'000, 'x')}});
    CHECK(w.outcome(large) == "the token has " + std::to_string(large.size()) + " bytes; the limit is 16384");
    // Too large to be kept, so that it is verified each time.
    const std::string kept_by_nobody = w.token({{"x", std::string(9'000, 'x')}});
    for (int i = 0; i < 2; ++i) CHECK(w.outcome(kept_by_nobody) == "let in");
}

TEST_CASE("the reasons of many rules are cut, not left out") {
    World w;
    std::vector<sdk::Rule> rules;
    for (int i = 0; i < 100; ++i) {
        rules.push_back(rule_with("claims.sub.startsWith('ü') ? true : claims.groups[0] == 'ü'"));
        rules.back().id = "r" + std::to_string(i);
    }
    w.host.set(rules);
    CHECK(w.outcome(w.token()) == "known");
    CHECK(w.host.reason.starts_with("rule r0: line 1, column 44: no such key: 'groups'; rule r1: "));
    CHECK(w.host.reason.ends_with(" bytes)"));
    CHECK(w.host.reason.size() < 2'100);
}

TEST_CASE("a rule is judged by its claims alone, whether it is in force or not") {
    World w;
    const sdk::Rule in_force = rule_with("claims.sub == 's'");
    sdk::Rule same_id = rule_with("claims.sub == 't'");
    CHECK(w.authenticator.rule_holds(kCall, in_force, R"({"sub":"s"})"));
    CHECK_FALSE(w.authenticator.rule_holds(kCall, in_force, R"({"sub":"t"})"));
    CHECK(w.authenticator.rule_holds(kCall, same_id, R"({"sub":"t"})"));
    CHECK_FALSE(w.authenticator.rule_holds(kCall, same_id, R"({"sub":"s"})"));
    CHECK_FALSE(w.authenticator.rule_holds(kCall, rule_with("no rule"), "{}"));
    CHECK_THROWS_AS(w.authenticator.rule_holds(kCall, in_force, "[]"), sdk::Failure);
}
