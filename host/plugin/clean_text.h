#pragma once

#include <string>
#include <string_view>

namespace imgsrv::plugin {

// Makes a plugin's text fit for clients and logs: one line of valid UTF-8. Invalid bytes become '?', control characters
// become blanks. The usual cause is a message that snprintf() cut inside a character.
std::string clean_text(std::string_view text);

}  // namespace imgsrv::plugin
