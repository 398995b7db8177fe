#include "services/access/provisioning_service.h"

#include <algorithm>
#include <optional>
#include <set>

#include "core/log.h"
#include "core/uuid.h"
#include "domain/names.h"
#include "services/access/rule_registry.h"
#include "store/access/principals.h"
#include "store/access/provisioning.h"

namespace imgsrv::services {
namespace {

using store::Transaction;

Status check_filled(std::string_view member, const std::string& text, std::size_t max_bytes) {
    if (text.empty()) return {Code::invalid_argument, std::string(member) + " must not be empty"};
    return domain::check_text(member, text, max_bytes);
}

Status check_texts(const domain::ProvisioningRule& rule) {
    IMGSRV_TRY(check_filled("display_name", rule.display_name, 256));
    IMGSRV_TRY(check_filled("issuer_url", rule.issuer_url, 1024));
    IMGSRV_TRY(check_filled("audience", rule.audience, 1024));
    std::set<std::string_view> names;
    for (const std::string& name : rule.forwarded_claims) {
        IMGSRV_TRY(check_filled("forwarded_claims", name, 256));
        if (!names.insert(name).second) return {Code::invalid_argument, "forwarded_claims names '" + name + "' twice"};
    }
    // check_text() allows no line breaks, a condition may have some.
    if (rule.condition.find('\0') != std::string::npos)
        return {Code::invalid_argument, "condition must not have a NUL character"};
    return {};
}

// For later questions of who could have been let in; the request's own log line says who asked for it.
void record(const ports::Call& call, std::string_view what, const domain::ProvisioningRule& rule) {
    log::info(what, {{"request_id", call.request_id},
                     {"rule_id", rule.id},
                     {"issuer", rule.issuer_url},
                     {"audience", rule.audience},
                     {"condition", rule.condition},
                     {"enabled", rule.enabled}});
}

}  // namespace

Result<ports::Authenticator*> ProvisioningService::judge() const {
    const auto it = std::find_if(authenticators_.begin(), authenticators_.end(),
                                 [](const auto& authenticator) { return authenticator->takes_rules(); });
    if (it == authenticators_.end())
        return Status(Code::failed_precondition,
                      "no configured auth driver takes provisioning rules; add \"oidc\" to [auth] drivers");
    return it->get();
}

Status ProvisioningService::check(const ports::Call& call, const domain::ProvisioningRule& rule) const {
    IMGSRV_TRY(check_texts(rule));
    IMGSRV_ASSIGN(ports::Authenticator* const authenticator, judge());
    return authenticator->check_rule(call, to_port(rule));
}

Result<domain::ProvisioningRule> ProvisioningService::create(const ports::Call& call, domain::ProvisioningRule rule) {
    if (rule.id.empty()) rule.id = new_uuid();
    IMGSRV_TRY(check(call, rule));
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const std::size_t count, store::provisioning::count(tx));
        if (count >= domain::kMaxRules)
            return {Code::failed_precondition, "there are " + std::to_string(count) +
                                                   " provisioning rules; the limit is " +
                                                   std::to_string(domain::kMaxRules)};
        IMGSRV_ASSIGN(rule.created, tx.now());
        rule.updated = rule.created;
        return store::provisioning::insert(tx, rule);
    }));
    record(call, "provisioning rule created", rule);
    return rule;
}

Result<domain::ProvisioningRule> ProvisioningService::update(const ports::Call& call, domain::ProvisioningRule rule) {
    // First, so that a missing rule is not_found and not invalid_argument.
    IMGSRV_TRY(this->rule(call, rule.id).status());
    IMGSRV_TRY(check(call, rule));
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const auto before, store::provisioning::find(tx, rule.id));
        rule.created = before.created;
        IMGSRV_ASSIGN(rule.updated, tx.now());
        return store::provisioning::update(tx, rule);
    }));
    record(call, "provisioning rule changed", rule);
    return rule;
}

Status ProvisioningService::remove(const ports::Call& call, std::string_view id) {
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) { return store::provisioning::remove(tx, id); }));
    log::info("provisioning rule removed", {{"request_id", call.request_id}, {"rule_id", id}});
    return {};
}

Result<domain::ProvisioningRule> ProvisioningService::rule(const ports::Call& call, std::string_view id) {
    return pool_.read(call, [&](Transaction& tx) { return store::provisioning::find(tx, id); });
}

Result<domain::Page<domain::ProvisioningRule>> ProvisioningService::rules(const ports::Call& call,
                                                                          const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) { return store::provisioning::list(tx, page); });
}

Result<bool> ProvisioningService::still_holds(const ports::Call& call, const domain::ProvisioningRule& rule,
                                              const domain::RuleGrant& grant) const {
    if (!rule.enabled || rule.issuer_url != grant.issuer || rule.audience != grant.audience) return false;
    IMGSRV_ASSIGN(ports::Authenticator* const authenticator, judge());
    return authenticator->rule_holds(call, to_port(rule), grant.claims);
}

Result<std::vector<domain::RuleGrant>> ProvisioningService::lapsed(const ports::Call& call,
                                                                   std::string_view rule_id) const {
    constexpr std::uint32_t kAtOnce = 500;
    auto found = pool_.read(call, [&](Transaction& tx) { return store::provisioning::find(tx, rule_id); });
    const bool gone = !found.ok() && found.status().code() == Code::not_found;
    if (!found.ok() && !gone) return std::move(found).status();

    std::vector<domain::RuleGrant> lapsed;
    bool any = false;
    std::string after;
    for (;;) {
        IMGSRV_ASSIGN(const auto grants, pool_.read(call, [&](Transaction& tx) {
            return store::provisioning::grants(tx, rule_id, after, kAtOnce);
        }));
        for (const domain::RuleGrant& grant : grants) {
            any = true;
            after = grant.principal_id;
            bool holds = false;
            if (!gone) {
                IMGSRV_ASSIGN(holds, still_holds(call, *found, grant));
            }
            if (!holds) lapsed.push_back(grant);
            if (lapsed.size() == kMostReconciled) return lapsed;
        }
        if (grants.size() < kAtOnce) break;
    }
    // A deleted rule can be reconciled as long as grants of it are left.
    if (gone && !any) return std::move(found).status();
    return lapsed;
}

Result<ProvisioningService::Reconciliation> ProvisioningService::reconcile(const ports::Call& call,
                                                                           std::string_view rule_id, bool apply) {
    IMGSRV_ASSIGN(const auto grants, lapsed(call, rule_id));
    Reconciliation out;
    out.applied = apply;
    // A grant that a request renews in between stays: the rule as it is now let that request in.
    if (apply) {
        IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
            for (const auto& grant : grants) IMGSRV_TRY(store::provisioning::remove_grant(tx, grant));
            return {};
        }));
        log::info("provisioning rule reconciled", {{"request_id", call.request_id},
                                                   {"rule_id", rule_id},
                                                   {"principals", static_cast<std::int64_t>(grants.size())}});
    }
    IMGSRV_TRY(pool_.read(call, [&](Transaction& tx) -> Status {
        out.principals.clear();
        for (const auto& grant : grants) {
            IMGSRV_ASSIGN(auto principal, store::principals::find(tx, grant.principal_id));
            out.principals.push_back(std::move(principal));
        }
        return {};
    }));
    return out;
}

}  // namespace imgsrv::services
