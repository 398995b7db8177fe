#include "rule.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "claims.h"
#include "issuer_url.h"

namespace imgsrv::oidc {
namespace {

constexpr std::string_view kVariable = "claims";

// One request may evaluate several rules: together they cost milliseconds in the worst case.
cel::Limits limits() {
    cel::Limits limits;
    limits.cost = 20'000;
    return limits;
}

bool is_claims(const cel::Ast& ast, cel::NodeId id) {
    return ast[id].kind == cel::Node::Kind::name && ast[id].text == kVariable;
}

// The claim that a node asks for by a fixed name: claims.x, has(claims.x), claims["x"], "x" in claims.
std::optional<std::string_view> claim_of(const cel::Ast& ast, const cel::Node& node) {
    using Kind = cel::Node::Kind;
    if (node.kind == Kind::select || node.kind == Kind::has)
        return is_claims(ast, node.children[0]) ? std::optional<std::string_view>(node.text) : std::nullopt;
    if (node.kind != Kind::call || node.children.size() != 2) return std::nullopt;
    const bool in = node.function == cel::Function::in;
    if (!in && node.function != cel::Function::index) return std::nullopt;
    const cel::Node& name = ast[node.children[in ? 0 : 1]];
    if (!is_claims(ast, node.children[in ? 1 : 0]) || name.kind != Kind::literal || !name.value.is(cel::Kind::string))
        return std::nullopt;
    return name.value.text();
}

// A claim that is used but not forwarded would always be missing, and the rule would never hold: report the mistake.
std::string hidden_claim(const cel::Ast& ast, const std::vector<std::string>& forwarded) {
    const auto hides = [](const cel::Node& n) { return n.kind == cel::Node::Kind::walk && n.text == kVariable; };
    if (std::any_of(ast.nodes.begin(), ast.nodes.end(), hides)) return {};
    for (const cel::Node& node : ast.nodes) {
        const auto claim = claim_of(ast, node);
        if (!claim || std::find(forwarded.begin(), forwarded.end(), *claim) != forwarded.end()) continue;
        return cel::Error{cel::Error::Kind::type,
                          "the claim '" + std::string(*claim) + "' is not among forwarded_claims", node.at}
            .describe();
    }
    return {};
}

std::string claims_complaint(const std::vector<std::string>& names) {
    constexpr std::string_view kOwn = "imgsrv:";
    for (const std::string& name : names)
        if (name.empty() || name.starts_with(kOwn))
            return "'" + name + "' is no claim that can be forwarded: names are not empty and do not begin with '" +
                   std::string(kOwn) + "'";
    return {};
}

}  // namespace

std::variant<Rule, std::string> Rule::compile(const sdk::Rule& rule) {
    if (std::string complaint = url_complaint(rule.issuer); !complaint.empty()) return "issuer_url: " + complaint;
    if (rule.audience.empty()) return "audience: it must not be empty";
    if (std::string complaint = claims_complaint(rule.claims); !complaint.empty())
        return "forwarded_claims: " + complaint;
    const cel::Declarations declared = {{std::string(kVariable), cel::Type::map(cel::Type::Kind::string, cel::Type())}};
    auto condition = cel::Program::compile(rule.condition, declared, limits());
    if (!condition.ok()) return "condition: " + condition.error().describe();
    if (!condition->type().is(cel::Type::Kind::boolean) && !condition->type().is(cel::Type::Kind::dyn))
        return "condition: line 1, column 1: it must yield a bool and yields " + condition->type().name();
    if (std::string complaint = hidden_claim(condition->ast(), rule.claims); !complaint.empty())
        return "condition: " + complaint;
    return Rule(rule, *std::move(condition));
}

bool Rule::holds(const Json& claims, std::string& why_not) const {
    std::vector<cel::Map::Entry> seen;
    for (const std::string& name : source_.claims)
        if (const auto it = claims.find(name); it != claims.end())
            seen.emplace_back(cel::Value::string(name), to_value(*it));
    auto map = cel::Map::of(std::move(seen));
    if (!map) {
        why_not = "a claim is forwarded twice";
        return false;
    }
    const auto result = condition_.evaluate({{std::string(kVariable), cel::Value::map(std::move(*map))}});
    why_not.clear();
    if (!result.ok())
        why_not = result.error().describe();
    else if (!result->is(cel::Kind::boolean))
        why_not = "the condition yields " + std::string(cel::type_name(result->kind())) + " and not a bool";
    return why_not.empty() && result->as_boolean();
}

}  // namespace imgsrv::oidc
