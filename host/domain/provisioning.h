#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace imgsrv::domain {

// The one role that a rule grants. A rule never makes an auth-manager: the database refuses that, too.
inline constexpr std::string_view kRuleRole = "content-writer";

inline constexpr std::size_t kMaxRules = 100;  // each is evaluated for every request of its issuer
inline constexpr std::size_t kMaxForwardedClaims = 64;

// Admits callers of another issuer: with a valid token of the issuer for the audience, and claims that satisfy the
// condition, a caller may write content.
struct ProvisioningRule {
    std::string id;
    std::string display_name;
    std::string issuer_url;
    std::string audience;
    std::vector<std::string> forwarded_claims;  // the only ones the condition reads
    std::string condition;
    bool enabled = false;
    Time created;
    Time updated;
};

// Records that a rule admitted a principal, with the claims of its latest token. Outlives the rule until the rule is
// reconciled.
struct RuleGrant {
    std::string principal_id;
    std::string rule_id;
    std::string issuer;    // the principal's
    std::string audience;  // the rule's at that time
    std::string claims;    // those that were forwarded, a JSON object
    Time seen;
};

}  // namespace imgsrv::domain
