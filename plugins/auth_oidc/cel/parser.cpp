#include "cel/parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "cel/lexer.h"
#include "cel/literals.h"
#include "cel/macros.h"
#include "cel/utf8.h"

namespace imgsrv::cel {
namespace {

// Names that later versions of the language may give a meaning; fields and methods may have them.
constexpr std::array<std::string_view, 17> kReserved = {"as",        "break",  "const",  "continue", "else", "for",
                                                        "function",  "if",     "import", "let",      "loop", "package",
                                                        "namespace", "return", "var",    "void",     "while"};
constexpr std::array<std::string_view, 4> kKeywords = {"true", "false", "null", "in"};

template <class Words>
bool contains(const Words& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

struct Operator {
    std::string_view text;
    int binds;  // the higher, the tighter
    Function function;
};
constexpr std::array<Operator, 14> kOperators = {{
    {"||", 1, Function::unknown},
    {"&&", 2, Function::unknown},
    {"<", 3, Function::less},
    {"<=", 3, Function::less_or_equal},
    {">", 3, Function::greater},
    {">=", 3, Function::greater_or_equal},
    {"==", 3, Function::equals},
    {"!=", 3, Function::not_equals},
    {"in", 3, Function::in},
    {"+", 4, Function::add},
    {"-", 4, Function::subtract},
    {"*", 5, Function::multiply},
    {"/", 5, Function::divide},
    {"%", 5, Function::modulo},
}};

const Operator* find_operator(const Token& token) {
    if (token.kind != Token::Kind::punctuation && !token.is_word("in")) return nullptr;
    const auto* found =
        std::find_if(kOperators.begin(), kOperators.end(), [&](const Operator& o) { return o.text == token.text; });
    return found == kOperators.end() ? nullptr : found;
}

// Recursive descent over the grammar of the Language Definition ("Syntax"), with the binary operators by precedence.
class Parser {
  public:
    Parser(std::string_view source, const Limits& limits) : lexer_(source), limits_(limits) {}

    Result<Ast> run() {
        CEL_ASSIGN(token_, lexer_.next());
        CEL_ASSIGN(ast_.root, expression());
        if (token_.kind != Token::Kind::end) return unexpected("the end of the expression");
        return std::move(ast_);
    }

  private:
    using Ids = std::vector<NodeId>;

    Error syntax(std::string message, Position at) const { return {Error::Kind::syntax, std::move(message), at}; }
    Error unexpected(std::string_view wanted) const {
        const std::string found = token_.kind == Token::Kind::end ? "the end" : "'" + std::string(token_.text) + "'";
        return syntax("expected " + std::string(wanted) + " and found " + found, token_.at);
    }
    Error too_deep(Position at) const {
        return {Error::Kind::limit,
                "the expression is nested too deeply; the limit is " + std::to_string(limits_.depth) + " levels", at};
    }

    // The current token; the next one takes its place.
    Result<Token> take() {
        const Token taken = token_;
        CEL_ASSIGN(token_, lexer_.next());
        return taken;
    }
    Result<Token> expect(std::string_view punctuation) {
        if (!token_.is(punctuation)) return unexpected("'" + std::string(punctuation) + "'");
        return take();
    }

    Result<NodeId> add(Node node) {
        if (ast_.nodes.size() >= limits_.nodes)
            return Error{Error::Kind::limit,
                         "the expression has too many parts; the limit is " + std::to_string(limits_.nodes), node.at};
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            const Node& child = ast_[node.children[i]];
            node.depth = std::max(node.depth, child.depth + 1);
            const bool in_loop = node.kind == Node::Kind::walk && i > 0;
            node.walks = std::max(node.walks, child.walks + (in_loop ? 1 : 0));
        }
        if (node.depth > limits_.depth) return too_deep(node.at);
        if (node.walks > limits_.comprehensions)
            return Error{Error::Kind::limit,
                         "macros are nested too deeply; the limit is " + std::to_string(limits_.comprehensions),
                         node.at};
        ast_.nodes.push_back(std::move(node));
        return static_cast<NodeId>(ast_.nodes.size() - 1);
    }
    Result<NodeId> add(Node::Kind kind, Position at, Ids children, std::string text = {}) {
        Node node;
        node.kind = kind;
        node.at = at;
        node.children = std::move(children);
        node.text = std::move(text);
        return add(std::move(node));
    }
    Result<NodeId> add_call(Function function, std::string_view name, Position at, Ids arguments) {
        Node node;
        node.kind = Node::Kind::call;
        node.function = function;
        node.text = name;
        node.at = at;
        node.children = std::move(arguments);
        return add(std::move(node));
    }
    Result<NodeId> add_literal(Value value, Position at) {
        Node node;
        node.at = at;
        node.value = std::move(value);
        return add(std::move(node));
    }

    // Expr = ConditionalOr ["?" ConditionalOr ":" Expr]
    Result<NodeId> expression() {
        if (++nesting_ > limits_.depth) return too_deep(token_.at);
        CEL_ASSIGN(NodeId id, binary(1));
        if (token_.is("?")) {
            CEL_ASSIGN(const Token question, take());
            CEL_ASSIGN(const NodeId yes, binary(1));
            CEL_TRY(expect(":"));
            CEL_ASSIGN(const NodeId no, expression());
            CEL_ASSIGN(id, add(Node::Kind::conditional, question.at, {id, yes, no}));
        }
        --nesting_;
        return id;
    }

    // Operators that bind at least as tightly as `least`, from left to right.
    Result<NodeId> binary(int least) {
        CEL_ASSIGN(NodeId left, unary());
        NodeId chain = kNone;
        for (const Operator* op = find_operator(token_); op && op->binds >= least; op = find_operator(token_)) {
            CEL_ASSIGN(const Token token, take());
            CEL_ASSIGN(const NodeId right, binary(op->binds + 1));
            if (op->function == Function::unknown) {
                const auto kind = op->text == "||" ? Node::Kind::logical_or : Node::Kind::logical_and;
                CEL_ASSIGN(chain, left == chain && ast_[left].kind == kind ? extend(left, right, token.at)
                                                                           : add(kind, token.at, {left, right}));
                left = chain;
            } else {
                CEL_ASSIGN(left, add_call(op->function, op->text, token.at, {left, right}));
            }
        }
        return left;
    }

    // a || b || c is one node, so that a long chain is no deep tree.
    Result<NodeId> extend(NodeId id, NodeId operand, Position at) {
        Node& chain = ast_.nodes[id];
        const Node& added = ast_[operand];
        if (added.depth + 1 > limits_.depth) return too_deep(at);
        chain.children.push_back(operand);
        chain.depth = std::max(chain.depth, added.depth + 1);
        chain.walks = std::max(chain.walks, added.walks);
        return id;
    }

    // Unary = Member | "!" {"!"} Member | "-" {"-"} Member
    Result<NodeId> unary() {
        std::vector<Position> signs;
        const std::string_view sign = token_.is("!") ? "!" : "-";
        while (token_.is(sign)) {
            CEL_ASSIGN(const Token token, take());
            if (signs.size() >= limits_.depth) return too_deep(token.at);
            signs.push_back(token.at);
        }
        // The last minus belongs to the number, or else the smallest int could not be written.
        const bool negative =
            sign == "-" && !signs.empty() && (token_.kind == Token::Kind::integer || token_.kind == Token::Kind::real);
        if (negative) signs.pop_back();
        CEL_ASSIGN(NodeId id, member(negative));
        for (; !signs.empty(); signs.pop_back()) {
            const Function function = sign == "!" ? Function::logical_not : Function::negate;
            CEL_ASSIGN(id, add_call(function, sign, signs.back(), {id}));
        }
        return id;
    }

    // Member = Primary | Member "." Field ["(" [ExprList] ")"] | Member "[" Expr "]"
    Result<NodeId> member(bool negative) {
        CEL_ASSIGN(NodeId id, primary(negative));
        for (;;) {
            if (token_.is(".")) {
                CEL_ASSIGN(id, field(id));
            } else if (token_.is("[")) {
                CEL_ASSIGN(const Token bracket, take());
                if (token_.is("?")) return optional_values();
                CEL_ASSIGN(const NodeId index, expression());
                CEL_TRY(expect("]"));
                CEL_ASSIGN(id, add_call(Function::index, "[]", bracket.at, {id, index}));
            } else if (token_.is("{") && dotted_name(ast_, id)) {
                return Error{Error::Kind::unsupported, "messages are not part of this language's subset", token_.at};
            } else {
                return id;
            }
        }
    }

    Error optional_values() const {
        return {Error::Kind::unsupported, "optional values are not part of this language's subset", token_.at};
    }

    Result<NodeId> field(NodeId receiver) {
        CEL_TRY(take());
        if (token_.is("?")) return optional_values();
        const bool plain = token_.kind == Token::Kind::identifier && !contains(kKeywords, token_.text);
        if (!plain && token_.kind != Token::Kind::escaped_identifier) return unexpected("the name of a field");
        CEL_ASSIGN(const Token name, take());
        if (!plain || !token_.is("(")) return add(Node::Kind::select, name.at, {receiver}, std::string(name.text));
        CEL_ASSIGN(Ids arguments, call_arguments());
        if (const auto macro = find_macro(name.text, arguments.size()); macro != Node::Macro::none) {
            CEL_ASSIGN(Node node, expand_macro(ast_, macro, name.at, receiver, arguments));
            return add(std::move(node));
        }
        arguments.insert(arguments.begin(), receiver);
        return add_named_call(name, true, std::move(arguments));
    }

    Result<NodeId> add_named_call(const Token& name, bool receiver, Ids arguments) {
        if (is_left_out(name.text))
            return Error{Error::Kind::unsupported,
                         "'" + std::string(name.text) + "' is not part of this language's subset", name.at};
        return add_call(find_function(name.text, receiver), name.text, name.at, std::move(arguments));
    }

    // "(" [ExprList] ")"
    Result<Ids> call_arguments() {
        CEL_TRY(expect("("));
        Ids arguments;
        if (!token_.is(")")) {
            for (;;) {
                CEL_ASSIGN(const NodeId argument, expression());
                arguments.push_back(argument);
                if (!token_.is(",")) break;
                CEL_TRY(take());
            }
        }
        CEL_TRY(expect(")"));
        return arguments;
    }

    Result<NodeId> primary(bool negative) {
        const Position at = token_.at;
        switch (token_.kind) {
            case Token::Kind::integer:
            case Token::Kind::uinteger:
            case Token::Kind::real:
            case Token::Kind::string:
            case Token::Kind::bytes: {
                CEL_ASSIGN(const Token token, take());
                CEL_ASSIGN(Value value, literal_value(token, negative));
                return add_literal(std::move(value), at);
            }
            case Token::Kind::identifier:
                return word();
            case Token::Kind::punctuation:
                break;
            default:
                return unexpected("a value");
        }
        if (token_.is("[")) return list();
        if (token_.is("{")) return map();
        if (token_.is(".")) return word();
        if (!token_.is("(")) return unexpected("a value");
        CEL_TRY(take());
        CEL_ASSIGN(const NodeId inner, expression());
        CEL_TRY(expect(")"));
        return inner;
    }

    // A constant, a name, or a call: ["."] IDENT ["(" [ExprList] ")"]
    Result<NodeId> word() {
        const bool rooted = token_.is(".");
        if (rooted) CEL_TRY(take());
        if (token_.kind != Token::Kind::identifier) return unexpected("a name");
        CEL_ASSIGN(const Token name, take());
        if (!rooted && name.text == "true") return add_literal(Value::boolean(true), name.at);
        if (!rooted && name.text == "false") return add_literal(Value::boolean(false), name.at);
        if (!rooted && name.text == "null") return add_literal(Value(), name.at);
        if (contains(kKeywords, name.text) || contains(kReserved, name.text))
            return syntax("'" + std::string(name.text) + "' is a reserved word", name.at);
        if (!token_.is("(")) {
            Node node;
            node.kind = Node::Kind::name;
            node.at = name.at;
            node.text = name.text;
            node.rooted = rooted;
            return add(std::move(node));
        }
        CEL_ASSIGN(Ids arguments, call_arguments());
        if (name.text == "has" && arguments.size() == 1) return expand_has(ast_, name.at, arguments[0]);
        return add_named_call(name, false, std::move(arguments));
    }

    // "[" [ExprList] [","] "]"
    Result<NodeId> list() {
        CEL_ASSIGN(const Token open, take());
        Ids elements;
        while (!token_.is("]")) {
            if (token_.is("?")) return optional_values();
            CEL_ASSIGN(const NodeId element, expression());
            elements.push_back(element);
            if (!token_.is(",")) break;
            CEL_TRY(take());
        }
        CEL_TRY(expect("]"));
        return add(Node::Kind::list, open.at, std::move(elements));
    }

    // "{" [Expr ":" Expr {"," Expr ":" Expr}] [","] "}"
    Result<NodeId> map() {
        CEL_ASSIGN(const Token open, take());
        Ids entries;
        while (!token_.is("}")) {
            if (token_.is("?")) return optional_values();
            CEL_ASSIGN(const NodeId key, expression());
            CEL_TRY(expect(":"));
            CEL_ASSIGN(const NodeId value, expression());
            entries.insert(entries.end(), {key, value});
            if (!token_.is(",")) break;
            CEL_TRY(take());
        }
        CEL_TRY(expect("}"));
        return add(Node::Kind::map, open.at, std::move(entries));
    }

    static constexpr NodeId kNone = ~NodeId{0};

    Lexer lexer_;
    const Limits& limits_;
    Token token_;
    Ast ast_;
    std::uint32_t nesting_ = 0;
};

}  // namespace

Result<Ast> parse(std::string_view source, const Limits& limits) {
    if (source.size() > limits.source_bytes)
        return Error{Error::Kind::limit,
                     "the expression has " + std::to_string(source.size()) + " bytes; the limit is " +
                         std::to_string(limits.source_bytes),
                     {}};
    if (!is_utf8(source)) return Error{Error::Kind::syntax, "the expression is not valid UTF-8", {}};
    return Parser(source, limits).run();
}

}  // namespace imgsrv::cel
