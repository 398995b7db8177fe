#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace imgsrv::oidc {

using Json = nlohmann::json;

// Levels of arrays and objects within one another.
inline constexpr int kMostJsonLevels = 16;

// One JSON object. None: it is none, it is nested too deeply, or an object has a member twice (RFC 7515, section 4,
// wants them unique, and two readers could take different ones). Never throws but std::bad_alloc.
std::optional<Json> parse_object(std::string_view text);

// The member when it is a string; null otherwise.
const std::string* find_string(const Json& object, const char* member);

}  // namespace imgsrv::oidc
