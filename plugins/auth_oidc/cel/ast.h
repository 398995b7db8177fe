#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cel/error.h"
#include "cel/functions.h"
#include "cel/regex.h"
#include "cel/value.h"

namespace imgsrv::cel {

using NodeId = std::uint32_t;

struct Node {
    enum class Kind : std::uint8_t {
        literal,      // value
        name,         // text; rooted: written with a dot before it, so no variable of a macro
        select,       // children[0].text
        has,          // has(children[0].text)
        call,         // function(children…); text is the name as written
        logical_and,  // two children or more
        logical_or,
        conditional,  // children[0] ? children[1] : children[2]
        list,         // [children…]
        map,          // {children[0]: children[1], …}
        walk,         // children[0].<macro>(text, children[1], children[2]?)
    };
    enum class Macro : std::uint8_t { none, all, exists, exists_one, map, filter };

    Kind kind = Kind::literal;
    Function function = Function::unknown;
    Macro macro = Macro::none;
    bool rooted = false;
    Position at;
    std::string text;
    Value value;
    std::vector<NodeId> children;
    // Of the tree from this node down: its levels, and its nested macros.
    std::uint32_t depth = 1;
    std::uint32_t walks = 0;
};

// A syntax tree. Its depth is bounded by the parser, so that walking it by recursion is safe.
struct Ast {
    std::vector<Node> nodes;
    NodeId root = 0;
    // Patterns of matches() that are literals, by the node of the call.
    std::map<NodeId, Regex> patterns;

    const Node& operator[](NodeId id) const { return nodes[id]; }
};

// A node of names and dots alone as one name, "a.b.c"; none for others. Variables may have such names.
std::optional<std::string> dotted_name(const Ast& ast, NodeId id);

}  // namespace imgsrv::cel
