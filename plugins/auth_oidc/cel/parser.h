#pragma once

#include <string_view>

#include "cel/ast.h"
#include "cel/limits.h"

namespace imgsrv::cel {

// Reads an expression; macros become nodes of their own. Errors have the position of the first thing that is wrong.
Result<Ast> parse(std::string_view source, const Limits& limits);

}  // namespace imgsrv::cel
