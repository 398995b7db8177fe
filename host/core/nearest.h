#pragma once

#include <span>
#include <string>
#include <string_view>

namespace imgsrv {

// The candidate that needs the fewest edits (insert, drop, change, swap of neighbours) to become `word`, for "did you
// mean". Empty when none is near: more than a third of the word's length away, or more than 3.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace imgsrv
