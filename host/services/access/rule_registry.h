#pragma once

#include <cstdint>

#include "domain/provisioning.h"
#include "ports/authenticator.h"
#include "store/pool.h"

namespace imgsrv::services {

// A rule as authenticators see it.
ports::Rule to_port(const domain::ProvisioningRule& rule);

// The rules in force, for authenticators.
class RuleRegistry final : public ports::RuleStore {
  public:
    explicit RuleRegistry(store::Pool& pool) : pool_(pool) {}
    Result<std::int64_t> generation(const ports::Call& call) override;
    Result<Rules> rules_in_force(const ports::Call& call) override;

  private:
    store::Pool& pool_;
};

}  // namespace imgsrv::services
