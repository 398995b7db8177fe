#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgsrv::http {

// In a query, '+' means a space (application/x-www-form-urlencoded); in a path it is itself.
enum class PlusIs { plus, space };

// Decodes %XX (RFC 3986, section 2.1); none when a '%' is not followed by two hex digits. The result may contain any
// byte.
std::optional<std::string> percent_decode(std::string_view text, PlusIs plus = PlusIs::plus);

// True for well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace imgsrv::http
