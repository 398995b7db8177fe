#pragma once

#include <cstddef>
#include <string_view>

#include "core/compression.h"
#include "http/message.h"

namespace imgsrv::http {

// Shorter texts are not compressed: they fit one packet anyway.
inline constexpr std::size_t kLeastCoded = 1024;

// Whether a body of that media type is worth compressing: text, JSON, YAML, XML and their kin.
bool is_text(std::string_view content_type);

// The coding that the client's Accept-Encoding prefers (RFC 9110, section 12.5.3); ties go to br, gzip, deflate,
// identity, in this order. Identity when the field is absent, and when it accepts nothing: section 12.4.1 permits
// ignoring such a field.
Coding choose_coding(const Headers& headers);

// Declares that the response depends on Accept-Encoding.
void add_vary(Headers& headers);

// Compresses a response made for this one request if it is a long enough text that is not coded yet, and sets
// Content-Encoding, Vary and an ETag of its own. Files, streams and cached texts are left alone. Takes about 5 µs per
// KiB. [worker]
void encode(const Request& request, Response& response);

}  // namespace imgsrv::http
