#include "rule_book.h"

#include <algorithm>
#include <set>

namespace imgsrv::oidc {

std::shared_ptr<const Rule> RuleSet::find(const sdk::Rule& source) const {
    const auto it =
        std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule->source() == source; });
    return it == rules.end() ? nullptr : *it;
}

std::shared_ptr<const RuleSet> RuleBook::current(const sdk::Call& call) {
    const std::int64_t generation = store_.generation(call);
    const std::lock_guard lock(mutex_);
    if (rules_ && rules_->generation == generation) return rules_;
    auto fresh = read(call);
    std::set<std::string> urls;
    for (const auto& rule : fresh->rules) urls.insert(rule->issuer());
    // Before the rules, so that what fails here is done again for the next request.
    issuers_.set(urls);
    rules_ = std::move(fresh);
    return rules_;
}

std::shared_ptr<const RuleSet> RuleBook::read(const sdk::Call& call) const {
    const sdk::RuleList list = store_.list(call);
    auto set = std::make_shared<RuleSet>();
    set->generation = list.generation;
    for (const sdk::Rule& raw : list.rules) {
        // Compiling may take a tenth of a second, and everybody waits for it.
        if (auto known = rules_ ? rules_->find(raw) : nullptr) {
            set->rules.push_back(std::move(known));
            continue;
        }
        auto compiled = Rule::compile(raw);
        if (auto* rule = std::get_if<Rule>(&compiled)) {
            set->rules.push_back(std::make_shared<const Rule>(std::move(*rule)));
            continue;
        }
        // It was accepted when it was saved, by another version of this program.
        log_.warn(call, "a provisioning rule is not applied",
                  {{"rule_id", raw.id}, {"error", std::get<std::string>(compiled)}});
    }
    return set;
}

}  // namespace imgsrv::oidc
