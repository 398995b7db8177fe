#include "services/access/rule_registry.h"

#include "store/access/provisioning.h"

namespace imgsrv::services {

using store::Transaction;

ports::Rule to_port(const domain::ProvisioningRule& rule) {
    return {rule.id, rule.issuer_url, rule.audience, rule.forwarded_claims, rule.condition};
}

Result<std::int64_t> RuleRegistry::generation(const ports::Call& call) {
    return pool_.read(call, [](Transaction& tx) { return store::provisioning::generation(tx); });
}

Result<RuleRegistry::Rules> RuleRegistry::rules_in_force(const ports::Call& call) {
    return pool_.read(call, [](Transaction& tx) -> Result<Rules> {
        Rules out;
        IMGSRV_ASSIGN(out.generation, store::provisioning::generation(tx));
        IMGSRV_ASSIGN(const auto enabled, store::provisioning::enabled(tx));
        for (const auto& rule : enabled) out.rules.push_back(to_port(rule));
        return out;
    });
}

}  // namespace imgsrv::services
