#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"
#include "http/message.h"

namespace imgsrv::api {

// What identifies a stored representation.
struct Representation {
    std::string etag;  // strong, with quotes
    Time modified;
    std::uint64_t size = 0;
};

// How to answer a GET or HEAD: RFC 9110, sections 13.2.2 and 14.
struct Selection {
    int status = 200;  // 200, 206, 304, 412 or 416
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// Evaluates If-Match, If-None-Match, If-Unmodified-Since, If-Modified-Since, If-Range and Range. One range gives 206;
// several, a malformed or an unsatisfiable one gives 416; a unit other than bytes is ignored.
Selection select(const http::Request& request, const Representation& representation);

// Whether a list of entity tags ("a", W/"b", or *) names the tag; weak comparison (section 8.8.3.2).
bool names_etag(std::string_view list, std::string_view etag);

}  // namespace imgsrv::api
