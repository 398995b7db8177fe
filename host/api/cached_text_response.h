#pragma once

#include <optional>
#include <string_view>

#include "http/message.h"
#include "services/catalogue/cached_text.h"

namespace imgsrv::api {

// Answers a GET or HEAD of a cached public text: in the coding the client prefers, with an entity tag per coding, 60
// seconds in caches, and 304 when the client has that form already.
http::Response cached_text_response(const http::Request& request, const services::CachedText& text,
                                    std::string_view content_type);

// The same on the event loop: none when the text must be compressed first.
std::optional<http::Response> cached_text_response_at_once(const http::Request& request,
                                                           const services::CachedText& text,
                                                           std::string_view content_type);

}  // namespace imgsrv::api
