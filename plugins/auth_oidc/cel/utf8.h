#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace imgsrv::cel {

// Unicode, chapter 3, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Code points of valid UTF-8.
std::size_t code_points(std::string_view text);

// code_point: up to U+10FFFF and no surrogate.
void append_utf8(std::string& text, std::uint32_t code_point);

}  // namespace imgsrv::cel
