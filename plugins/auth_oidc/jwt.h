#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "json.h"

namespace imgsrv::oidc {

// Signature algorithms that are accepted (RFC 7518, section 3.1; RFC 8037). "none" and those with a shared secret are
// not among them.
enum class Algorithm : std::uint8_t { rs256, rs384, rs512, ps256, es256, es384, eddsa };

std::optional<Algorithm> find_algorithm(std::string_view name);
std::string_view to_string(Algorithm algorithm);

// Why a token is not accepted: for the log, never for the caller.
struct Refusal {
    std::string reason;
};

// A parsed token; nothing in it is verified.
struct Jwt {
    Algorithm algorithm;
    std::string key_id;            // empty: it names none
    std::string_view signed_part;  // borrowed from the token
    std::string signature;
    Json claims;  // an object
};

inline constexpr std::size_t kMostTokenBytes = 16 * 1024;

// Whether a credential has the form of a signed JWT (RFC 7515, compact serialization), and so is this plugin's to
// judge.
bool looks_like_jwt(std::string_view text);

// Keys that the header itself brings or points to (jwk, jku, x5c, x5u) are ignored; extensions that must be understood
// (crit) are refused.
std::variant<Jwt, Refusal> parse_jwt(std::string_view token);

}  // namespace imgsrv::oidc
