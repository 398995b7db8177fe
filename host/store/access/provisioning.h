#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/page.h"
#include "domain/principal.h"
#include "domain/provisioning.h"
#include "store/transaction.h"

// Provisioning rules, and who was let in by them. Every function runs inside the caller's transaction.
namespace imgsrv::store::provisioning {

// Goes up with every change of a rule.
Result<std::int64_t> generation(Transaction& tx);

// already_exists when there is a rule of that id.
Status insert(Transaction& tx, const domain::ProvisioningRule& rule);
// Everything but id and created. not_found names the id.
Status update(Transaction& tx, const domain::ProvisioningRule& rule);
Status remove(Transaction& tx, std::string_view id);
Result<domain::ProvisioningRule> find(Transaction& tx, std::string_view id);
Result<domain::Page<domain::ProvisioningRule>> list(Transaction& tx, const domain::PageRequest& page);
Result<std::vector<domain::ProvisioningRule>> enabled(Transaction& tx);
Result<std::size_t> count(Transaction& tx);

// The principal that stands for a subject of another issuer, with the roles it was given by hand.
struct ExternalPrincipal {
    std::string id;
    std::vector<std::string> role_ids;
};
Result<std::optional<ExternalPrincipal>> find_external(Transaction& tx, std::string_view issuer,
                                                       std::string_view subject);
// Makes that principal, unless it is there; its id.
Result<std::string> ensure_external(Transaction& tx, const domain::Principal& principal, std::string_view issuer,
                                    std::string_view subject);

// An enabled rule for an issuer, the principal of one of its subjects, and what was recorded when the rule let that in
// the latest time.
struct RuleInForce {
    std::string audience;
    std::string forwarded_claims;  // for claim_names()
    std::optional<ExternalPrincipal> principal;
    std::optional<domain::RuleGrant> grant;
};
// None: there is no such rule, it is disabled, or is for another issuer. One statement, because each request asks it.
Result<std::optional<RuleInForce>> find_in_force(Transaction& tx, std::string_view rule_id, std::string_view issuer,
                                                 std::string_view subject);
std::vector<std::string> claim_names(const std::string& forwarded_claims);

// Records, or replaces the record.
Status put_grant(Transaction& tx, const domain::RuleGrant& grant);
// Grants of a rule in the order of their principals, after one of them.
Result<std::vector<domain::RuleGrant>> grants(Transaction& tx, std::string_view rule_id, std::string_view after,
                                              std::uint32_t limit);
// Removes it unless it was renewed since.
Status remove_grant(Transaction& tx, const domain::RuleGrant& grant);
// All of a principal.
Status remove_grants(Transaction& tx, std::string_view principal_id);

}  // namespace imgsrv::store::provisioning
