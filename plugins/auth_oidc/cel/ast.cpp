#include "cel/ast.h"

namespace imgsrv::cel {

std::optional<std::string> dotted_name(const Ast& ast, NodeId id) {
    const Node& node = ast[id];
    if (node.kind == Node::Kind::name) return node.text;
    if (node.kind != Node::Kind::select) return std::nullopt;
    auto name = dotted_name(ast, node.children[0]);
    if (name) name->append(".").append(node.text);
    return name;
}

}  // namespace imgsrv::cel
