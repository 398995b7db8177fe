#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace imgsrv::oidc {

// RFC 7515, section 2: base64url without padding.
std::string encode_base64url(std::string_view bytes);

// None for any other text, also for one whose last character has bits that no byte needs: each value has one form only.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace imgsrv::oidc
