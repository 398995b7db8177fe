#include "cel/checker.h"

#include <string_view>
#include <utility>
#include <vector>

#include "cel/scope.h"

namespace imgsrv::cel {
namespace {

using K = Type::Kind;

Type type_of(const Value& value) {
    switch (value.kind()) {
        case Kind::null:
            return K::null;
        case Kind::boolean:
            return K::boolean;
        case Kind::integer:
            return K::integer;
        case Kind::uinteger:
            return K::uinteger;
        case Kind::real:
            return K::real;
        case Kind::string:
            return K::string;
        case Kind::bytes:
            return K::bytes;
        case Kind::list:
            return Type::list({});
        case Kind::map:
            return Type::map({}, {});
    }
    return {};
}

bool is_operator(const Node& call) {
    return find_function(call.text, true) == Function::unknown && find_function(call.text, false) == Function::unknown;
}

class Checker {
  public:
    Checker(Ast& ast, const Declarations& declarations, const Limits& limits)
        : ast_(ast), limits_(limits), scope_(declarations) {}

    Result<Type> check(NodeId id) {
        const Node& node = ast_[id];
        switch (node.kind) {
            case Node::Kind::literal:
                return type_of(node.value);
            case Node::Kind::name:
                return name(node);
            case Node::Kind::select:
            case Node::Kind::has:
                return select(id, node);
            case Node::Kind::call:
                return call(id, node);
            case Node::Kind::logical_and:
            case Node::Kind::logical_or:
                return logical(node);
            case Node::Kind::conditional:
                return conditional(node);
            case Node::Kind::list:
                return list(node);
            case Node::Kind::map:
                return map(node);
            case Node::Kind::walk:
                return walk(node);
        }
        return Type();
    }

  private:
    static Error error(const Node& node, std::string message) {
        return {Error::Kind::type, std::move(message), node.at};
    }

    Result<Type> name(const Node& node) const {
        if (const Type* type = scope_.find(node)) return *type;
        return error(node, "undeclared reference to '" + node.text + "'");
    }

    Result<Type> select(NodeId id, const Node& node) {
        if (const Type* type = scope_.find_dotted(ast_, id)) return *type;
        CEL_ASSIGN(const Type operand, check(node.children[0]));
        if (!operand.is(K::map) && !operand.is(K::dyn))
            return error(node, "a value of the type " + operand.name() + " has no field '" + node.text + "'");
        if (operand.is(K::map) && !compatible(operand.key(), K::string))
            return error(node, "a " + operand.name() + " has no fields");
        if (node.kind == Node::Kind::has) return Type(K::boolean);
        return operand.is(K::map) ? operand.value() : Type();
    }

    Result<Type> call(NodeId id, const Node& node) {
        std::vector<Type> arguments;
        for (const NodeId child : node.children) {
            CEL_ASSIGN(Type type, check(child));
            arguments.push_back(std::move(type));
        }
        if (node.function == Function::unknown) return error(node, "there is no function '" + node.text + "'");
        if (node.function == Function::matches && node.children.size() == 2) CEL_TRY(pattern(id, node));

        bool found = false;
        Type result;
        for (const Overload& overload : overloads()) {
            if (overload.function != node.function || overload.arguments.size() != arguments.size()) continue;
            Substitution substitution;
            bool fits = true;
            for (std::size_t i = 0; fits && i < arguments.size(); ++i)
                fits = substitution.match(overload.arguments[i], arguments[i]);
            if (!fits) continue;
            const Type type = substitution.apply(overload.result);
            result = found ? join(result, type) : type;
            found = true;
        }
        if (!found) return error(node, no_overload(node, arguments));
        return result;
    }

    static std::string no_overload(const Node& node, const std::vector<Type>& arguments) {
        std::string types;
        for (const Type& type : arguments) types += (types.empty() ? "" : ", ") + type.name();
        return (is_operator(node) ? "the operator '" : "the function '") + node.text + "' does not take (" + types +
               ")";
    }

    // A literal pattern is compiled now, so that an error in it shows before any evaluation.
    Result<Type> pattern(NodeId id, const Node& node) {
        const Node& literal = ast_[node.children[1]];
        if (literal.kind != Node::Kind::literal || !literal.value.is(Kind::string)) return Type();
        if (ast_.patterns.size() >= limits_.regexes)
            return Error{Error::Kind::limit,
                         "too many regular expressions; the limit is " + std::to_string(limits_.regexes), literal.at};
        auto compiled = Regex::compile(literal.value.text(), limits_);
        if (!compiled.ok()) {
            compiled.error().at = literal.at;
            return std::move(compiled).error();
        }
        ast_.patterns.insert_or_assign(id, *std::move(compiled));
        return Type();
    }

    Result<Type> boolean(NodeId id, std::string_view what) {
        CEL_ASSIGN(const Type type, check(id));
        if (type.is(K::boolean) || type.is(K::dyn)) return Type(K::boolean);
        return error(ast_[id], std::string(what) + " must be a bool and is " + type.name());
    }

    Result<Type> logical(const Node& node) {
        const bool both = node.kind == Node::Kind::logical_and;
        for (const NodeId child : node.children) CEL_TRY(boolean(child, both ? "a side of '&&'" : "a side of '||'"));
        return Type(K::boolean);
    }

    Result<Type> conditional(const Node& node) {
        CEL_TRY(boolean(node.children[0], "the condition before '?'"));
        CEL_ASSIGN(const Type yes, check(node.children[1]));
        CEL_ASSIGN(const Type no, check(node.children[2]));
        if (!compatible(yes, no))
            return error(node, "the branches of '?:' differ in type: " + yes.name() + " and " + no.name());
        return join(yes, no);
    }

    // The type of all elements; dyn when they differ.
    Result<Type> elements(const Node& node, std::size_t first, std::size_t step) {
        Type common;
        for (std::size_t i = first; i < node.children.size(); i += step) {
            CEL_ASSIGN(Type type, check(node.children[i]));
            common = i == first ? std::move(type) : join(common, type);
        }
        return common;
    }

    Result<Type> list(const Node& node) {
        CEL_ASSIGN(Type element, elements(node, 0, 1));
        return Type::list(std::move(element));
    }

    Result<Type> map(const Node& node) {
        for (std::size_t i = 0; i < node.children.size(); i += 2) {
            CEL_ASSIGN(const Type key, check(node.children[i]));
            for (const K bad : {K::null, K::real, K::bytes, K::list, K::map})
                if (key.is(bad)) return error(ast_[node.children[i]], "a key of a map cannot be " + key.name());
        }
        CEL_ASSIGN(Type key, elements(node, 0, 2));
        CEL_ASSIGN(Type value, elements(node, 1, 2));
        return Type::map(std::move(key), std::move(value));
    }

    Result<Type> walk(const Node& node) {
        CEL_ASSIGN(const Type range, check(node.children[0]));
        if (!range.is(K::list) && !range.is(K::map) && !range.is(K::dyn))
            return error(node, "only a list or a map can be iterated over, not " + range.name());
        const Type element = range.is(K::list) ? range.element() : range.is(K::map) ? range.key() : Type();
        scope_.enter(node.text, element);
        auto result = walk_body(node, element);
        scope_.leave();
        return result;
    }

    Result<Type> walk_body(const Node& node, const Type& element) {
        const bool transforms = node.macro == Node::Macro::map;
        if (!transforms || node.children.size() == 3) CEL_TRY(boolean(node.children[1], "the macro's condition"));
        if (node.macro == Node::Macro::filter) return Type::list(element);
        if (!transforms) return Type(K::boolean);
        CEL_ASSIGN(Type made, check(node.children.back()));
        return Type::list(std::move(made));
    }

    Ast& ast_;
    const Limits& limits_;
    Scope<Type> scope_;
};

}  // namespace

Result<Type> check(Ast& ast, const Declarations& declarations, const Limits& limits) {
    return Checker(ast, declarations, limits).check(ast.root);
}

}  // namespace imgsrv::cel
