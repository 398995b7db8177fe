#pragma once

#include <functional>
#include <map>
#include <string>

#include "cel/type.h"
#include "cel/value.h"

namespace imgsrv::cel {

// The variables an expression may use, and their values in one evaluation. A name may have dots, "a.b": then it is
// found before the field b of a.
using Declarations = std::map<std::string, Type, std::less<>>;
using Bindings = std::map<std::string, Value, std::less<>>;

}  // namespace imgsrv::cel
