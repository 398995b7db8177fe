#pragma once

#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "issuers.h"
#include "rule.h"

namespace imgsrv::oidc {

struct RuleSet {
    std::int64_t generation = -1;
    std::vector<std::shared_ptr<const Rule>> rules;

    // The rule equal to this one; null: there is none.
    std::shared_ptr<const Rule> find(const sdk::Rule& source) const;
};

// The host's rules, each compiled once. [any]
class RuleBook {
  public:
    // issuers: kept in step with the rules.
    RuleBook(sdk::Host host, Issuers& issuers) : store_(host), log_(host.log()), issuers_(issuers) {}

    // The rules as they are now. Throws when the store is unavailable.
    std::shared_ptr<const RuleSet> current(const sdk::Call& call);

  private:
    std::shared_ptr<const RuleSet> read(const sdk::Call& call) const;

    sdk::RuleStore store_;
    sdk::Log log_;
    Issuers& issuers_;
    std::mutex mutex_;
    std::shared_ptr<const RuleSet> rules_;
};

}  // namespace imgsrv::oidc
