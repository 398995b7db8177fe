#pragma once

#include <string_view>

#include "cel/ast.h"
#include "cel/environment.h"
#include "cel/error.h"
#include "cel/limits.h"
#include "cel/type.h"
#include "cel/value.h"

// The Common Expression Language (github.com/google/cel-spec), as far as conditions over JSON need it: all literals and
// operators, fields, indexes, has(), size(), the conversions, matches(), contains(), startsWith(), endsWith(), lists,
// maps, and the macros all, exists, exists_one, map, filter. Left out: messages, durations and timestamps, types as
// values, optional values. Nothing in here throws but std::bad_alloc.
namespace imgsrv::cel {

// A compiled expression. Immutable, cheap to move, usable from several threads.
class Program {
  public:
    // Parses, and checks the types against what is declared.
    static Result<Program> compile(std::string_view source, const Declarations& declarations,
                                   const Limits& limits = {});
    // Parses alone: types and names then matter when they are evaluated.
    static Result<Program> parse(std::string_view source, const Limits& limits = {});

    // dyn when it is not known or was not checked.
    const Type& type() const { return type_; }
    const Ast& ast() const { return ast_; }

    // Costs at most Limits::cost and has no effect but its result.
    Result<Value> evaluate(const Bindings& bindings) const;

  private:
    Program(Ast ast, Type type, const Limits& limits) : ast_(std::move(ast)), type_(std::move(type)), limits_(limits) {}

    Ast ast_;
    Type type_;
    Limits limits_;
};

}  // namespace imgsrv::cel
