#pragma once

#include <cstddef>
#include <string_view>

#include "core/compression.h"
#include "http/message.h"

namespace imgsrv::http {

// Shorter texts are not compressed: they fit into one packet in any case.
inline constexpr std::size_t kLeastCoded = 1024;

// Whether a body of that media type is worth compressing: text, JSON, YAML, XML and their kin.
bool is_text(std::string_view content_type);

// The coding that the client likes best by its Accept-Encoding (RFC 9110, section 12.5.3); of equals br, gzip, deflate,
// identity. Identity where the field is absent, and where it accepts nothing: that field is then passed over, as
// section 12.4.1 permits.
Coding choose_coding(const Headers& headers);

// Says that the answer depends on Accept-Encoding.
void add_vary(Headers& headers);

// Compresses an answer that is made for this one request, if it is a text long enough that nobody has coded, and marks
// it: Content-Encoding, Vary, and an ETag of its own. Bodies that are files, streams or kept texts are left alone.
// Takes about 5 µs a KiB. [worker]
void encode(const Request& request, Response& response);

}  // namespace imgsrv::http
