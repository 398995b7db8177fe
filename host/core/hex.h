#pragma once

#include <string>
#include <string_view>

namespace imgsrv {

// Two lower-case hex digits for each byte. [any]
std::string to_hex(std::string_view bytes);

}  // namespace imgsrv
