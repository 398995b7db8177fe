#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgsrv {

// RFC 4648, section 4, with or without the padding at its end. None for any other text, also for one whose last
// character has bits that no byte needs: each value has one form only. [any]
std::optional<std::string> decode_base64(std::string_view text);

// RFC 4648, section 5, without padding. Decoding is as strict as above. [any]
std::string encode_base64url(std::string_view bytes);
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace imgsrv
