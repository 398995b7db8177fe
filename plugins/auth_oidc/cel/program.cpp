#include "cel/program.h"

#include "cel/checker.h"
#include "cel/evaluator.h"
#include "cel/parser.h"

namespace imgsrv::cel {

Result<Program> Program::compile(std::string_view source, const Declarations& declarations, const Limits& limits) {
    CEL_ASSIGN(Ast ast, cel::parse(source, limits));
    CEL_ASSIGN(Type type, check(ast, declarations, limits));
    return Program(std::move(ast), std::move(type), limits);
}

Result<Program> Program::parse(std::string_view source, const Limits& limits) {
    CEL_ASSIGN(Ast ast, cel::parse(source, limits));
    return Program(std::move(ast), Type(), limits);
}

Result<Value> Program::evaluate(const Bindings& bindings) const {
    return cel::evaluate(ast_, bindings, limits_);
}

}  // namespace imgsrv::cel
