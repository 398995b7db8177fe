#include "authenticator.h"

#include <strings.h>

#include <algorithm>
#include <set>
#include <utility>

#include "claims.h"

namespace imgsrv::oidc {
namespace {

// RFC 9110, section 11.1: the name of a scheme has no case.
bool is_bearer(std::string_view scheme) {
    constexpr std::string_view kBearer = "bearer";
    return scheme.size() == kBearer.size() && strncasecmp(scheme.data(), kBearer.data(), kBearer.size()) == 0;
}

std::int64_t wall_clock_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

FetchPolicy policy_of(const sdk::Config& config) {
    FetchPolicy policy;
    policy.refresh = std::max(config.duration("key_refresh"), std::chrono::milliseconds(1'000));
    return policy;
}

std::unique_ptr<DocumentSource> source_of(const sdk::Config& config) {
    const auto timeout =
        std::clamp(config.duration("fetch_timeout"), std::chrono::milliseconds(100), std::chrono::milliseconds(60'000));
    return std::make_unique<DocumentFetcher>(config.find_text("ca_file").value_or(""), timeout);
}

// What a log line may show of text from an untrusted client.
std::string excerpt(std::string_view text, std::size_t most = 200) {
    return text.size() <= most ? std::string(text) : "(" + std::to_string(text.size()) + " bytes)";
}

// The start of a text of this plugin that may be long, cut between two characters.
std::string beginning(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
    return text.substr(0, most) + " … (" + std::to_string(text.size()) + " bytes)";
}

}  // namespace

Authenticator::Authenticator(const sdk::Setup& setup)
    : Authenticator(setup.host, source_of(setup.config), policy_of(setup.config), wall_clock_us) {}

Authenticator::Authenticator(sdk::Host host, std::unique_ptr<DocumentSource> source, const FetchPolicy& policy,
                             WallClock clock)
    : host_(host),
      source_(std::move(source)),
      clock_(std::move(clock)),
      issuers_(*source_, host, policy),
      rules_(host, issuers_) {}

sdk::AuthAnswer Authenticator::authenticate(const sdk::Call& call, const sdk::Credential& credential) {
    if (!is_bearer(credential.scheme) || !looks_like_jwt(credential.secret)) return {IMGSRV_AUTH_NOT_MINE, {}};
    // First of all: it also says which issuers there are.
    const auto rules = rules_.current(call);
    const auto verified = verify(call, credential.secret);
    const auto refuse = [&](const std::string& reason) -> sdk::AuthAnswer {
        host_.log().info(call, "token refused", {{"reason", reason}, {"peer", credential.peer}});
        return {IMGSRV_AUTH_REJECTED, {}};
    };
    if (const auto* refusal = std::get_if<Refusal>(&verified)) return refuse(refusal->reason);
    const VerifiedToken& token = *std::get<Verified>(verified);
    if (const auto refusal = token.registered().complaint_at(clock_())) return refuse(refusal->reason);
    const auto judgement = judge(*rules, token);
    if (!judgement->meant)
        return refuse("no rule for the issuer '" + excerpt(token.registered().issuer) +
                      "' has an audience that the token is meant for");
    if (judgement->principal.claims.empty())
        host_.log().info(call, "no provisioning rule lets the caller in",
                         {{"issuer", token.registered().issuer},
                          {"subject", token.registered().subject},
                          {"reasons", beginning(judgement->reasons, 2000)}});
    return {IMGSRV_AUTH_ACCEPTED, judgement->principal};
}

std::variant<Authenticator::Verified, Refusal> Authenticator::verify(const sdk::Call& call, std::string_view token) {
    if (auto known = verified_.find(token)) {
        const auto issuer = issuers_.find(known->registered().issuer);
        const auto keys = issuer ? issuer->keys() : nullptr;
        if (keys && keys->has(known->key_fingerprint())) return known;
    }
    auto result = verify_signature(call, token);
    if (const auto* verified = std::get_if<Verified>(&result)) verified_.put(token, *verified);
    return result;
}

std::variant<Authenticator::Verified, Refusal> Authenticator::verify_signature(const sdk::Call& call,
                                                                               std::string_view token) {
    auto parsed = parse_jwt(token);
    if (auto* refusal = std::get_if<Refusal>(&parsed)) return std::move(*refusal);
    Jwt& jwt = std::get<Jwt>(parsed);
    auto registered = RegisteredClaims::read(jwt.claims);
    if (auto* refusal = std::get_if<Refusal>(&registered)) return std::move(*refusal);
    auto& claims = std::get<RegisteredClaims>(registered);
    const auto issuer = issuers_.find(claims.issuer);
    if (!issuer) return Refusal{"no rule trusts the issuer '" + excerpt(claims.issuer) + "'"};
    // An expired token is refused before it can cause a fetch of keys.
    if (auto refusal = claims.complaint_at(clock_())) return std::move(*refusal);

    const auto keys = issuer->keys_for(call, jwt.key_id, jwt.algorithm);
    const auto candidates = keys->candidates(jwt.key_id, jwt.algorithm);
    if (candidates.empty())
        return Refusal{"the issuer '" + claims.issuer + "' has no key '" + excerpt(jwt.key_id) + "' for " +
                       std::string(to_string(jwt.algorithm))};
    for (const PublicKey* key : candidates) {
        if (!key->verifies(jwt.algorithm, jwt.signed_part, jwt.signature)) continue;
        return std::make_shared<const VerifiedToken>(std::move(claims), std::move(jwt.claims), key->fingerprint());
    }
    return Refusal{"the signature is not that of the key '" + excerpt(jwt.key_id) + "' of the issuer '" +
                   claims.issuer + "'"};
}

std::shared_ptr<const Judgement> Authenticator::judge(const RuleSet& rules, const VerifiedToken& token) {
    if (auto known = token.judgement(); known && known->generation == rules.generation) return known;
    auto judgement = std::make_shared<Judgement>();
    judgement->generation = rules.generation;
    sdk::Principal& who = judgement->principal;
    who.subject = token.registered().subject;
    who.issuer = token.registered().issuer;
    who.display = token.registered().subject;
    who.expires_us = token.registered().expires_us;
    std::set<std::string_view> shown;
    for (const auto& rule : rules.rules) {
        if (rule->issuer() != who.issuer || !token.registered().is_for(rule->audience())) continue;
        judgement->meant = true;
        if (std::string why_not; !rule->holds(token.claims(), why_not)) {
            judgement->reasons += (judgement->reasons.empty() ? "rule " : "; rule ") + rule->id() + ": " +
                                  (why_not.empty() ? "the condition is false" : why_not);
            continue;
        }
        who.claims.emplace_back(IMGSRV_CLAIM_RULE, rule->id());
        for (const std::string& name : rule->claims())
            if (const auto it = token.claims().find(name); it != token.claims().end() && shown.insert(name).second)
                who.claims.emplace_back(name, it->dump());
    }
    token.keep(judgement);
    return judgement;
}

void Authenticator::tick(const sdk::Call& call) {
    static_cast<void>(rules_.current(call));
    issuers_.refresh(call);
}

void Authenticator::check_rule(const sdk::Call&, const sdk::Rule& rule) const {
    const auto compiled = Rule::compile(rule);
    if (const auto* complaint = std::get_if<std::string>(&compiled))
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, *complaint);
}

bool Authenticator::rule_holds(const sdk::Call& call, const sdk::Rule& rule, std::string_view claims) {
    const auto object = parse_object(claims);
    if (!object) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "claims: this is no sound JSON object");
    std::string why_not;
    // The host tests one rule, which is in force, against many principals in turn.
    if (const auto known = rules_.current(call)->find(rule)) return known->holds(*object, why_not);
    const auto compiled = Rule::compile(rule);
    const auto* sound = std::get_if<Rule>(&compiled);
    return sound && sound->holds(*object, why_not);
}

}  // namespace imgsrv::oidc
