#pragma once

#include <string>
#include <variant>

#include "cel/functions.h"
#include "cel/value.h"

namespace imgsrv::cel {

// A value, or what is wrong with the arguments.
using Answer = std::variant<Value, std::string>;

// bool(), bytes(), double(), int(), string(), uint() (Language Definition, "Standard Definitions"). Texts are read and
// written in one form whatever the locale is.
Answer convert(Function function, const Value& value);

std::string no_such_overload(std::string_view function, const Value& argument);

}  // namespace imgsrv::cel
