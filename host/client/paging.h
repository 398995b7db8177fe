#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "client/http_client.h"
#include "core/status.h"

namespace imgsrv::client {

// Every item of a list, as one JSON array, following `Link: <…>; rel="next"` (RFC 8288). A list document is an object
// with one array, {"images": […]}. internal if the answer is anything else.
Result<nlohmann::json> list_all(HttpClient& http, const std::string& path);

// The target of the link to the next page in a Link field; empty if there is none.
std::string next_link(std::string_view field);

}  // namespace imgsrv::client
