#pragma once

#include <string_view>

#include "core/status.h"

namespace imgsrv::domain {

// Each says whether a text is a valid name of its kind; config/openapi.yaml has the patterns. invalid_argument names
// the member and the rule that was broken.
Status check_image_name(std::string_view text);
Status check_version_name(std::string_view text);  // versions and refs
Status check_alias_name(std::string_view text);
// Operating system, architecture, variant, attachment name: `member` is the JSON member that holds it.
Status check_token(std::string_view member, std::string_view text);
// type/subtype of RFC 9110, section 8.3.1, with optional parameters; at most 255 bytes.
Status check_media_type(std::string_view member, std::string_view text);
// Free text for people: valid UTF-8 without control characters, at most max_bytes.
Status check_text(std::string_view member, std::string_view text, std::size_t max_bytes);

}  // namespace imgsrv::domain
