#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "issuers.h"
#include "jwt.h"
#include "rule_book.h"
#include "verified_tokens.h"

namespace imgsrv::oidc {

// Accepts a JWT from an issuer that one of the host's provisioning rules trusts (OpenID Connect Core 1.0, section
// 3.1.3.7; RFC 7519; RFC 8725). The reason for a refusal goes to the log only; the log never holds a token. [any]
class Authenticator {
  public:
    // How often tick() looks for new issuers and for keys that are due.
    static constexpr std::uint32_t kTickIntervalMs = 2'000;

    // The wall clock in microseconds since 1970.
    using WallClock = std::function<std::int64_t()>;

    explicit Authenticator(const sdk::Setup& setup);
    Authenticator(sdk::Host host, std::unique_ptr<DocumentSource> source, const FetchPolicy& policy, WallClock clock);

    // NOT_MINE: not of the scheme Bearer, or not of the form of a JWT. Throws when the rules or the issuer's keys are
    // unavailable.
    sdk::AuthAnswer authenticate(const sdk::Call& call, const sdk::Credential& credential);

    void tick(const sdk::Call& call);

    // Throws INVALID_ARGUMENT.
    void check_rule(const sdk::Call& call, const sdk::Rule& rule) const;
    // claims: one JSON object.
    bool rule_holds(const sdk::Call& call, const sdk::Rule& rule, std::string_view claims);

  private:
    using Verified = std::shared_ptr<const VerifiedToken>;

    std::variant<Verified, Refusal> verify(const sdk::Call& call, std::string_view token);
    std::variant<Verified, Refusal> verify_signature(const sdk::Call& call, std::string_view token);
    static std::shared_ptr<const Judgement> judge(const RuleSet& rules, const VerifiedToken& token);

    sdk::Host host_;
    std::unique_ptr<DocumentSource> source_;
    WallClock clock_;
    Issuers issuers_;
    RuleBook rules_;
    VerifiedTokens verified_;
};

}  // namespace imgsrv::oidc
