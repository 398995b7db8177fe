#include "cel/evaluator.h"

#include <bit>
#include <utility>
#include <vector>

#include "cel/calls.h"
#include "cel/scope.h"

namespace imgsrv::cel {
namespace {

class Evaluator {
  public:
    Evaluator(const Ast& ast, const Bindings& bindings, const Limits& limits)
        : ast_(ast), limits_(limits), budget_(limits.cost), scope_(bindings) {}

    Result<Value> evaluate(NodeId id) {
        const Node& node = ast_[id];
        if (!budget_.spend(1)) return too_costly(node);
        switch (node.kind) {
            case Node::Kind::literal:
                return node.value;
            case Node::Kind::name:
                return name(node);
            case Node::Kind::select:
            case Node::Kind::has:
                return select(id, node);
            case Node::Kind::call:
                return call_function(id, node);
            case Node::Kind::logical_and:
                return logical(node, false);
            case Node::Kind::logical_or:
                return logical(node, true);
            case Node::Kind::conditional:
                return conditional(node);
            case Node::Kind::list:
                return list(node);
            case Node::Kind::map:
                return map(node);
            case Node::Kind::walk:
                return walk(node);
        }
        return error(node, "unknown node");
    }

  private:
    static Error error(const Node& node, std::string message) {
        return {Error::Kind::evaluation, std::move(message), node.at};
    }
    Error too_costly(const Node& node) const {
        return {Error::Kind::limit,
                "the evaluation costs too much; the limit is " + std::to_string(limits_.cost) + " units", node.at};
    }

    Result<Value> name(const Node& node) const {
        if (const Value* value = scope_.find(node)) return *value;
        return error(node, "undeclared reference to '" + node.text + "'");
    }

    Result<Value> select(NodeId id, const Node& node) {
        if (const Value* value = scope_.find_dotted(ast_, id)) return *value;
        CEL_ASSIGN(const Value operand, evaluate(node.children[0]));
        if (!operand.is(Kind::map))
            return error(node, "a value of the type " + std::string(type_name(operand.kind())) +
                                   " does not support field selection");
        const Value* found = operand.as_map().find(node.text);
        if (node.kind == Node::Kind::has) return Value::boolean(found != nullptr);
        return found ? Result<Value>(*found) : error(node, "no such key: '" + node.text + "'");
    }

    Result<Value> call_function(NodeId id, const Node& node) {
        std::vector<Value> arguments;
        arguments.reserve(node.children.size());
        for (const NodeId child : node.children) {
            CEL_ASSIGN(Value argument, evaluate(child));
            arguments.push_back(std::move(argument));
        }
        if (node.function == Function::unknown) return error(node, "unbound function '" + node.text + "'");
        if (node.function == Function::matches) return matches(id, node, arguments);
        auto answer = call(node.function, arguments, budget_);
        if (!answer) return too_costly(node);
        if (auto* message = std::get_if<std::string>(&*answer)) return error(node, std::move(*message));
        return std::get<Value>(std::move(*answer));
    }

    Result<Value> matches(NodeId id, const Node& node, const std::vector<Value>& arguments) {
        if (arguments.size() != 2 || !arguments[0].is(Kind::string) || !arguments[1].is(Kind::string))
            return error(node, "no such overload: 'matches' takes two strings");
        const auto known = ast_.patterns.find(id);
        if (known != ast_.patterns.end()) return match(node, known->second, arguments[0]);
        if (!budget_.spend(Regex::compile_cost(arguments[1].text().size()))) return too_costly(node);
        auto compiled = Regex::compile(arguments[1].text(), limits_);
        if (!compiled.ok()) return error(node, std::move(compiled.error().message));
        return match(node, *compiled, arguments[0]);
    }

    Result<Value> match(const Node& node, const Regex& regex, const Value& text) {
        if (!budget_.spend(regex.cost(text.text().size()))) return too_costly(node);
        return Value::boolean(regex.matches(text.text()));
    }

    // A bool, or an error that `decides` of the other operands may absorb.
    Result<Value> boolean(NodeId id) {
        auto value = evaluate(id);
        if (value.ok() && !value->is(Kind::boolean))
            return error(ast_[id],
                         "no such overload: expected bool and found " + std::string(type_name(value->kind())));
        return value;
    }

    // && and ||: an operand that decides the result does so whatever the others are.
    Result<Value> logical(const Node& node, bool decides) {
        Result<Value> result = Value::boolean(!decides);
        for (const NodeId child : node.children) {
            auto operand = boolean(child);
            if (operand.ok() ? operand->as_boolean() == decides : operand.error().kind == Error::Kind::limit)
                return operand;
            if (!operand.ok() && result.ok()) result = std::move(operand);
        }
        return result;
    }

    Result<Value> conditional(const Node& node) {
        CEL_ASSIGN(const Value condition, boolean(node.children[0]));
        return evaluate(node.children[condition.as_boolean() ? 1 : 2]);
    }

    Result<Value> list(const Node& node) {
        List elements;
        elements.reserve(node.children.size());
        for (const NodeId child : node.children) {
            CEL_ASSIGN(Value element, evaluate(child));
            elements.push_back(std::move(element));
        }
        return Value::list(std::move(elements));
    }

    Result<Value> map(const Node& node) {
        std::vector<Map::Entry> entries;
        std::size_t key_bytes = 0;
        for (std::size_t i = 0; i < node.children.size(); i += 2) {
            CEL_ASSIGN(Value key, evaluate(node.children[i]));
            if (!Map::can_be_key(key))
                return error(ast_[node.children[i]], "unsupported key type: " + std::string(type_name(key.kind())));
            if (key.is(Kind::string)) key_bytes += key.text().size();
            CEL_ASSIGN(Value value, evaluate(node.children[i + 1]));
            entries.emplace_back(std::move(key), std::move(value));
        }
        // They are sorted.
        if (!budget_.spend(key_bytes / kBytesPerUnit * std::bit_width(entries.size()))) return too_costly(node);
        auto map = Map::of(std::move(entries));
        return map ? Result<Value>(Value::map(std::move(*map))) : error(node, "Failed with repeated key");
    }

    Result<Value> walk(const Node& node) {
        CEL_ASSIGN(const Value range, evaluate(node.children[0]));
        if (range.is(Kind::list)) return walk_over(node, range.as_list());
        if (!range.is(Kind::map))
            return error(node, "no such overload: only a list or a map can be iterated over, not " +
                                   std::string(type_name(range.kind())));
        if (!budget_.spend(range.as_map().size())) return too_costly(node);
        List keys;
        keys.reserve(range.as_map().size());
        for (const auto& entry : range.as_map().entries()) keys.push_back(entry.first);
        return walk_over(node, keys);
    }

    Result<Value> walk_over(const Node& node, const List& range) {
        scope_.enter(node.text, Value());
        auto result = node.macro == Node::Macro::all || node.macro == Node::Macro::exists ? quantify(node, range)
                      : node.macro == Node::Macro::exists_one                             ? count_one(node, range)
                                                                                          : collect(node, range);
        scope_.leave();
        return result;
    }

    // all and exists: as && and || over the elements.
    Result<Value> quantify(const Node& node, const List& range) {
        const bool decides = node.macro == Node::Macro::exists;
        Result<Value> result = Value::boolean(!decides);
        for (const Value& element : range) {
            scope_.innermost() = element;
            auto holds = boolean(node.children[1]);
            if (holds.ok() ? holds->as_boolean() == decides : holds.error().kind == Error::Kind::limit) return holds;
            if (!holds.ok() && result.ok()) result = std::move(holds);
        }
        return result;
    }

    Result<Value> count_one(const Node& node, const List& range) {
        std::size_t count = 0;
        for (const Value& element : range) {
            scope_.innermost() = element;
            CEL_ASSIGN(const Value holds, boolean(node.children[1]));
            count += holds.as_boolean() ? 1 : 0;
        }
        return Value::boolean(count == 1);
    }

    // map and filter.
    Result<Value> collect(const Node& node, const List& range) {
        const bool filters = node.macro == Node::Macro::filter || node.children.size() == 3;
        List made;
        for (const Value& element : range) {
            scope_.innermost() = element;
            if (filters) {
                CEL_ASSIGN(const Value holds, boolean(node.children[1]));
                if (!holds.as_boolean()) continue;
            }
            if (node.macro == Node::Macro::filter) {
                made.push_back(element);
                continue;
            }
            CEL_ASSIGN(Value value, evaluate(node.children.back()));
            made.push_back(std::move(value));
        }
        return Value::list(std::move(made));
    }

    const Ast& ast_;
    const Limits& limits_;
    Budget budget_;
    Scope<Value> scope_;
};

}  // namespace

Result<Value> evaluate(const Ast& ast, const Bindings& bindings, const Limits& limits) {
    return Evaluator(ast, bindings, limits).evaluate(ast.root);
}

}  // namespace imgsrv::cel
