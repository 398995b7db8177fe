#pragma once

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/limits.h"

namespace imgsrv::cel {

// The value of the expression. Stops with Error::Kind::limit once Limits::cost is spent; memory is bounded by the same.
Result<Value> evaluate(const Ast& ast, const Bindings& bindings, const Limits& limits);

}  // namespace imgsrv::cel
