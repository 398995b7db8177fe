#pragma once

#include <optional>
#include <string_view>

#include "http/message.h"
#include "services/catalogue/cached_text.h"

namespace imgsrv::api {

// Answers a GET or HEAD of a public text that is kept: in the coding that the client likes best, with an entity tag for
// each coding and 60 seconds in caches, and with 304 when the client has that form.
http::Response cached_text_response(const http::Request& request, const services::CachedText& text,
                                    std::string_view content_type);

// The same on the event loop: none when the text must first be brought into that coding.
std::optional<http::Response> cached_text_response_at_once(const http::Request& request,
                                                           const services::CachedText& text,
                                                           std::string_view content_type);

}  // namespace imgsrv::api
