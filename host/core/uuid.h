#pragma once

#include <string>
#include <string_view>

namespace imgsrv {

// A new UUIDv7 (RFC 9562, section 5.7) in lower case: sorts by creation time, so that tables grow at one end. [any]
std::string new_uuid();

// True for any UUID in the 8-4-4-4-12 form, in lower case.
bool is_uuid(std::string_view text);

// `bytes` random bytes from the kernel as lower-case hex.
std::string random_hex(std::size_t bytes);

}  // namespace imgsrv
