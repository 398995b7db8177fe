#pragma once

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/limits.h"

namespace imgsrv::cel {

// The type of the expression. An error says where a name is unknown, a call has no overload for its arguments, branches
// differ, or a literal pattern of matches() is no regular expression; the compiled ones are put into the tree.
Result<Type> check(Ast& ast, const Declarations& declarations, const Limits& limits);

}  // namespace imgsrv::cel
