#pragma once

#include <string>
#include <string_view>

namespace imgsrv {

inline constexpr std::string_view kRedacted = "[REDACTED]";

// The log's last line of defence. Callers must not write secrets; if one does, it is hidden here.

// From now on redact() hides this value wherever it occurs. Values shorter than 6 bytes are ignored: they would match
// innocent words. [any]
void keep_secret(std::string_view value);

// Hides the secrets above, the secret half of API tokens, JSON Web Tokens, and passwords in URLs and in "password=…".
// Reads each byte a few times at most. [any]
void redact(std::string& text);

}  // namespace imgsrv
