#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "ports/call.h"

namespace imgsrv::ports {

struct Credential {
    std::string_view scheme;  // "Bearer", as sent
    std::string_view secret;  // what followed it
    std::string_view peer;    // client address
};

// Who is calling, as established by a plugin. An empty issuer means that subject is a principal id of the host.
struct Identity {
    std::string subject;
    std::string issuer;
    std::string display;
    std::optional<Time> expires;
    std::vector<std::pair<std::string, std::string>> claims;
    // For an identity of another issuer: the rules that admitted it. Its claims are then JSON texts.
    std::vector<std::string> rule_ids;
};

// Admits a caller who presents a valid token of the issuer for the audience, with claims that satisfy the condition.
struct Rule {
    std::string id;
    std::string issuer;
    std::string audience;
    std::vector<std::string> claims;  // the only ones the condition may read
    std::string condition;
};

// Says who is calling; the host decides what they may do.
class Authenticator {
  public:
    enum class Verdict { not_mine, accepted, rejected };
    struct Answer {
        Verdict verdict = Verdict::not_mine;
        Identity identity;  // set when accepted
    };

    virtual ~Authenticator() = default;

    virtual std::string_view name() const = 0;
    // A status that is not OK means "cannot tell" (503), never "yes".
    virtual Result<Answer> authenticate(const Call& call, const Credential& credential) = 0;
    virtual Status health(const Call& call) = 0;

    // True when this authenticator issues secrets of its own.
    virtual bool can_issue() const = 0;
    struct Issued {
        std::string plaintext;  // for the user, once
        std::string verifier;   // for the database
    };
    virtual Result<Issued> issue(const Call& call, std::string_view token_id) = 0;

    // True when this authenticator admits callers of other issuers by rules.
    virtual bool takes_rules() const = 0;
    // invalid_argument: the message starts with the offending member.
    virtual Status check_rule(const Call& call, const Rule& rule) = 0;
    // Whether the rule's condition holds for these claims, one JSON object.
    virtual Result<bool> rule_holds(const Call& call, const Rule& rule, std::string_view claims) = 0;

    // How often tick() wants to be called from a background job (to fetch keys, say). 0: never.
    virtual std::chrono::milliseconds tick_interval() const = 0;
    virtual Status tick(const Call& call) = 0;
};

struct TokenRecord {
    std::string token_id;
    std::string verifier;
    std::string principal_id;
    std::string display;
    Time expires;
};

// What the host offers to authenticators: the tokens it has issued. [any worker]
class TokenStore {
  public:
    virtual ~TokenStore() = default;

    // not_found when there is no such token or it was revoked.
    virtual Result<TokenRecord> find_token(const Call& call, std::string_view token_id) = 0;
    // The token was accepted just now.
    virtual void token_used(const Call& call, std::string_view token_id) = 0;
};

// What the host offers to authenticators: the rules in force. [any worker]
class RuleStore {
  public:
    virtual ~RuleStore() = default;

    // A new number after every change of the rules on any node.
    virtual Result<std::int64_t> generation(const Call& call) = 0;
    struct Rules {
        std::int64_t generation = 0;
        std::vector<Rule> rules;
    };
    // From one snapshot.
    virtual Result<Rules> rules_in_force(const Call& call) = 0;
};

}  // namespace imgsrv::ports
