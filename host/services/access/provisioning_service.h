#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/page.h"
#include "domain/principal.h"
#include "domain/provisioning.h"
#include "ports/authenticator.h"
#include "store/pool.h"

namespace imgsrv::services {

// The rules that let in callers with tokens of other issuers. A change holds from the next request on, on every node.
class ProvisioningService {
  public:
    using Authenticators = std::vector<std::unique_ptr<ports::Authenticator>>;

    // authenticators outlive it.
    ProvisioningService(store::Pool& pool, const Authenticators& authenticators)
        : pool_(pool), authenticators_(authenticators) {}

    // rule.id empty: a new one. failed_precondition: no authenticator takes rules, or there are too many.
    Result<domain::ProvisioningRule> create(const ports::Call& call, domain::ProvisioningRule rule);
    // Replaces all of it.
    Result<domain::ProvisioningRule> update(const ports::Call& call, domain::ProvisioningRule rule);
    Status remove(const ports::Call& call, std::string_view id);
    Result<domain::ProvisioningRule> rule(const ports::Call& call, std::string_view id);
    Result<domain::Page<domain::ProvisioningRule>> rules(const ports::Call& call, const domain::PageRequest& page);

    // Principals that a rule once let in and would not let in any more, by what their tokens said the latest time; all
    // of them when the rule is disabled or gone. Apply takes from them the role they have by this rule.
    struct Reconciliation {
        std::vector<domain::Principal> principals;  // at most kMostReconciled at a time; with their roles afterwards
        bool applied = false;
    };
    static constexpr std::size_t kMostReconciled = 1000;
    Result<Reconciliation> reconcile(const ports::Call& call, std::string_view rule_id, bool apply);

  private:
    Result<ports::Authenticator*> judge() const;
    Status check(const ports::Call& call, const domain::ProvisioningRule& rule) const;
    Result<std::vector<domain::RuleGrant>> lapsed(const ports::Call& call, std::string_view rule_id) const;
    Result<bool> still_holds(const ports::Call& call, const domain::ProvisioningRule& rule,
                             const domain::RuleGrant& grant) const;

    store::Pool& pool_;
    const Authenticators& authenticators_;
};

}  // namespace imgsrv::services
