#pragma once

#include <string>
#include <string_view>

namespace imgsrv {

inline constexpr std::string_view kRedacted = "[REDACTED]";

// The last line of defence of the log: nothing that is to be written should hold a secret, and what does nevertheless
// does not get out.

// From now on redact() hides this value wherever it stands. Values of fewer than 6 bytes are passed over: they would
// turn up in innocent words. [any]
void keep_secret(std::string_view value);

// Hides kept secrets, the secret half of API tokens, JSON Web Tokens, and passwords in URLs and in "password=…". Looks
// at each byte a few times at most. [any]
void redact(std::string& text);

}  // namespace imgsrv
