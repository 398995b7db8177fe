#pragma once

#include <optional>
#include <vector>

#include "cel/conversions.h"
#include "cel/functions.h"
#include "cel/limits.h"
#include "cel/value.h"

namespace imgsrv::cel {

// One call of a function or an operator, but matches(). None: the budget is used up.
std::optional<Answer> call(Function function, const std::vector<Value>& arguments, Budget& budget);

}  // namespace imgsrv::cel
