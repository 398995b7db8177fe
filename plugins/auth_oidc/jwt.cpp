#include "jwt.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base64url.h"

namespace imgsrv::oidc {
namespace {

constexpr std::array<std::pair<std::string_view, Algorithm>, 7> kAlgorithms = {{
    {"RS256", Algorithm::rs256},
    {"RS384", Algorithm::rs384},
    {"RS512", Algorithm::rs512},
    {"PS256", Algorithm::ps256},
    {"ES256", Algorithm::es256},
    {"ES384", Algorithm::es384},
    {"EdDSA", Algorithm::eddsa},
}};

struct Segments {
    std::string_view header, payload, signature;
};

std::optional<Segments> split(std::string_view token) {
    const auto first = token.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
    return Segments{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1)};
}

// What a log line may show of text from an untrusted client.
std::string excerpt(const std::string& text) {
    constexpr std::size_t kMost = 64;
    return text.size() <= kMost ? text : "(" + std::to_string(text.size()) + " bytes)";
}

}  // namespace

std::optional<Algorithm> find_algorithm(std::string_view name) {
    for (const auto& [known, algorithm] : kAlgorithms)
        if (known == name) return algorithm;
    return std::nullopt;
}

std::string_view to_string(Algorithm algorithm) {
    for (const auto& [name, known] : kAlgorithms)
        if (known == algorithm) return name;
    return "unknown";
}

bool looks_like_jwt(std::string_view text) {
    // The header is a JSON object: in base64url, '{' and a quote or a blank begin with "ey", '{' and a tab or the end
    // of a line with "ew".
    const auto segments = split(text);
    return segments && segments->header.size() >= 4 && (text.starts_with("ey") || text.starts_with("ew"));
}

std::variant<Jwt, Refusal> parse_jwt(std::string_view token) {
    if (token.size() > kMostTokenBytes)
        return Refusal{"the token has " + std::to_string(token.size()) + " bytes; the limit is " +
                       std::to_string(kMostTokenBytes)};
    const auto segments = split(token);
    if (!segments) return Refusal{"the token does not have three parts"};
    const auto header_text = decode_base64url(segments->header);
    const auto payload_text = decode_base64url(segments->payload);
    auto signature = decode_base64url(segments->signature);
    if (!header_text || !payload_text || !signature) return Refusal{"a part of the token is not base64url"};
    const auto header = parse_object(*header_text);
    if (!header) return Refusal{"the token's header is not a valid JSON object"};

    const std::string* name = find_string(*header, "alg");
    if (!name) return Refusal{"the token names no algorithm"};
    const auto algorithm = find_algorithm(*name);
    if (!algorithm) return Refusal{"the algorithm '" + excerpt(*name) + "' is not accepted"};
    if (header->contains("crit")) return Refusal{"the token's header has extensions that must be understood (crit)"};
    std::string key_id;
    if (header->contains("kid")) {
        const std::string* text = find_string(*header, "kid");
        if (!text || text->size() > 256) return Refusal{"the token's kid is not a string of at most 256 bytes"};
        key_id = *text;
    }

    auto claims = parse_object(*payload_text);
    if (!claims) return Refusal{"the token's payload is not a valid JSON object"};
    return Jwt{*algorithm, std::move(key_id), token.substr(0, token.rfind('.')), std::move(*signature),
               std::move(*claims)};
}

}  // namespace imgsrv::oidc
