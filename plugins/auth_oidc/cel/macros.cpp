#include "cel/macros.h"

namespace imgsrv::cel {

Node::Macro find_macro(std::string_view name, std::size_t arguments) {
    using Macro = Node::Macro;
    if (name == "map" && (arguments == 2 || arguments == 3)) return Macro::map;
    if (arguments != 2) return Macro::none;
    if (name == "all") return Macro::all;
    if (name == "exists") return Macro::exists;
    if (name == "exists_one") return Macro::exists_one;
    if (name == "filter") return Macro::filter;
    return Macro::none;
}

Result<Node> expand_macro(const Ast& ast, Node::Macro macro, Position at, NodeId receiver,
                          const std::vector<NodeId>& arguments) {
    const Node& variable = ast[arguments[0]];
    if (variable.kind != Node::Kind::name || variable.rooted)
        return Error{Error::Kind::syntax, "the first argument of this macro must be a name for the element",
                     variable.at};
    Node node;
    node.kind = Node::Kind::walk;
    node.macro = macro;
    node.at = at;
    node.text = variable.text;
    node.children = {receiver};
    node.children.insert(node.children.end(), arguments.begin() + 1, arguments.end());
    return node;
}

Result<NodeId> expand_has(Ast& ast, Position at, NodeId argument) {
    Node& node = ast.nodes[argument];
    if (node.kind != Node::Kind::select)
        return Error{Error::Kind::syntax, "has() takes a field, such as has(claims.sub)", at};
    node.kind = Node::Kind::has;
    return argument;
}

}  // namespace imgsrv::cel
