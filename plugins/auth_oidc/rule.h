#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cel/program.h"
#include "imgsrv/imgsrv.hpp"
#include "json.h"

namespace imgsrv::oidc {

// A provisioning rule that is ready to be applied. Immutable, usable from several threads.
class Rule {
  public:
    // The text says which member is wrong and why: "condition: line 1, column 8: undeclared reference to 'claim'".
    static std::variant<Rule, std::string> compile(const sdk::Rule& rule);

    const std::string& id() const { return id_; }
    const std::string& issuer() const { return issuer_; }
    const std::string& audience() const { return audience_; }
    const std::vector<std::string>& claims() const { return claims_; }

    // Whether the condition holds for the claims of a token, of which it sees those that the rule names. why_not: why
    // it could not be evaluated, which counts as no; empty when it could.
    bool holds(const Json& claims, std::string& why_not) const;

  private:
    Rule(const sdk::Rule& rule, cel::Program condition)
        : id_(rule.id),
          issuer_(rule.issuer),
          audience_(rule.audience),
          claims_(rule.claims),
          condition_(std::move(condition)) {}

    std::string id_, issuer_, audience_;
    std::vector<std::string> claims_;
    cel::Program condition_;
};

}  // namespace imgsrv::oidc
