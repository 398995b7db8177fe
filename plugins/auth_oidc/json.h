#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace imgsrv::oidc {

using Json = nlohmann::json;

// Levels of nested arrays and objects.
inline constexpr int kMostJsonLevels = 16;

// One JSON object. None when the text is not one, is nested too deeply, or has an object with a duplicate member (RFC
// 7515, section 4, requires unique names; two readers could pick different ones). Throws only std::bad_alloc.
std::optional<Json> parse_object(std::string_view text);

// The member when it is a string; null otherwise.
const std::string* find_string(const Json& object, const char* member);

}  // namespace imgsrv::oidc
