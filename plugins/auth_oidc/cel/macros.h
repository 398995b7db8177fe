#pragma once

#include <string_view>
#include <vector>

#include "cel/ast.h"

namespace imgsrv::cel {

// receiver.name(arguments…) as a macro: all, exists, exists_one, map, filter with as many arguments as they have.
Node::Macro find_macro(std::string_view name, std::size_t arguments);

// The node of that macro. Fails when the first argument is no plain name.
Result<Node> expand_macro(const Ast& ast, Node::Macro macro, Position at, NodeId receiver,
                          const std::vector<NodeId>& arguments);

// has(argument): makes the node of the argument one that asks. Fails unless it selects a field.
Result<NodeId> expand_has(Ast& ast, Position at, NodeId argument);

}  // namespace imgsrv::cel
