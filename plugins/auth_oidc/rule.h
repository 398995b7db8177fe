#pragma once

#include <imgsrv/imgsrv.hpp>
#include <string>
#include <variant>
#include <vector>

#include "cel/program.h"
#include "json.h"

namespace imgsrv::oidc {

// A provisioning rule that is ready to be applied. Immutable, usable from several threads.
class Rule {
  public:
    // The text says which member is wrong and why: "condition: line 1, column 8: undeclared reference to 'claim'".
    static std::variant<Rule, std::string> compile(const sdk::Rule& rule);

    // What it was compiled from.
    const sdk::Rule& source() const { return source_; }
    const std::string& id() const { return source_.id; }
    const std::string& issuer() const { return source_.issuer; }
    const std::string& audience() const { return source_.audience; }
    const std::vector<std::string>& claims() const { return source_.claims; }

    // Whether the condition holds for a token's claims; it sees only those that the rule names. why_not: why it could
    // not be evaluated, which counts as no; empty when it could.
    bool holds(const Json& claims, std::string& why_not) const;

  private:
    Rule(sdk::Rule source, cel::Program condition) : source_(std::move(source)), condition_(std::move(condition)) {}

    sdk::Rule source_;
    cel::Program condition_;
};

}  // namespace imgsrv::oidc
