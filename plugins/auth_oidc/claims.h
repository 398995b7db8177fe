#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cel/value.h"
#include "json.h"
#include "jwt.h"

namespace imgsrv::oidc {

// The claims that RFC 7519, section 4.1, defines.
struct RegisteredClaims {
    std::string issuer, subject;
    std::vector<std::string> audiences;
    std::int64_t expires_us = 0;
    std::optional<std::int64_t> not_before_us, issued_us;

    // Refuses a missing iss, sub or exp (aud may be missing), and a claim of the wrong type.
    static std::variant<RegisteredClaims, Refusal> read(const Json& claims);

    // None: the token is valid at `now_us`, with 60 s for clocks that differ.
    std::optional<Refusal> complaint_at(std::int64_t now_us) const;
    bool is_for(std::string_view audience) const;
};

// A JSON value as a condition sees it: whole numbers are int (or uint above), others double.
cel::Value to_value(const Json& json);

}  // namespace imgsrv::oidc
