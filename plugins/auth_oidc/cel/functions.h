#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cel/type.h"

namespace imgsrv::cel {

// What can be called, operators included.
enum class Function : std::uint8_t {
    unknown,
    negate,
    logical_not,
    add,
    subtract,
    multiply,
    divide,
    modulo,
    equals,
    not_equals,
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    in,
    index,
    size,
    contains,
    starts_with,
    ends_with,
    matches,
    to_bool,
    to_bytes,
    to_double,
    to_dyn,
    to_int,
    to_string,
    to_uint,
};

// The function behind a name: f(x), or x.f() when it has a receiver. unknown: there is none.
Function find_function(std::string_view name, bool receiver);
// As an expression has it: "size", "==".
std::string_view function_name(Function function);
// The library leaves this function of the standard out: duration(), timestamp(), type() and what belongs to them.
bool is_left_out(std::string_view name);

struct Overload {
    Function function;
    std::vector<Type> arguments;  // the receiver first
    Type result;
};
const std::vector<Overload>& overloads();

}  // namespace imgsrv::cel
