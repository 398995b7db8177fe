#pragma once

#include <string>
#include <string_view>

namespace imgsrv::plugin {

// A text of a plugin as clients and logs may have it: one line of valid UTF-8. Bytes that are none become '?', control
// characters become blanks. A message that snprintf() cut inside of a character is the usual reason.
std::string clean_text(std::string_view text);

}  // namespace imgsrv::plugin
