#pragma once

#include <string>

#include "cel/error.h"
#include "cel/lexer.h"
#include "cel/value.h"

namespace imgsrv::cel {

// The value of an integer, uinteger, real, string or bytes token. negative: a minus stands directly before the number.
// Errors carry the position of what is wrong, also inside of a string.
Result<Value> literal_value(const Token& token, bool negative);

}  // namespace imgsrv::cel
