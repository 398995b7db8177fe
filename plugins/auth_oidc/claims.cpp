#include "claims.h"

#include <algorithm>
#include <cmath>

namespace imgsrv::oidc {
namespace {

constexpr std::int64_t kSkewUs = 60'000'000;
constexpr std::size_t kMostSubjectBytes = 512;

// Seconds since 1970, perhaps with a fraction (RFC 7519, section 2, NumericDate).
std::optional<std::int64_t> read_date(const Json& value) {
    constexpr double kYear9999 = 253'402'300'799;
    if (!value.is_number()) return std::nullopt;
    const auto seconds = value.get<double>();
    if (!(seconds >= 0 && seconds <= kYear9999)) return std::nullopt;
    return static_cast<std::int64_t>(seconds * 1'000'000);
}

// False: it is there and no date.
bool read_optional_date(const Json& claims, const char* name, std::optional<std::int64_t>& out) {
    const auto it = claims.find(name);
    if (it == claims.end()) return true;
    out = read_date(*it);
    return out.has_value();
}

bool read_audiences(const Json& claims, std::vector<std::string>& out) {
    const auto it = claims.find("aud");
    if (it == claims.end()) return true;
    if (it->is_string()) {
        out.push_back(it->get<std::string>());
        return true;
    }
    if (!it->is_array()) return false;
    for (const Json& one : *it) {
        if (!one.is_string()) return false;
        out.push_back(one.get<std::string>());
    }
    return true;
}

std::string seconds(std::int64_t us) {
    return std::to_string(us / 1'000'000) + " s";
}

}  // namespace

std::variant<RegisteredClaims, Refusal> RegisteredClaims::read(const Json& claims) {
    RegisteredClaims out;
    const std::string* issuer = find_string(claims, "iss");
    if (!issuer) return Refusal{"the token names no issuer (iss)"};
    const std::string* subject = find_string(claims, "sub");
    if (!subject || subject->empty() || subject->size() > kMostSubjectBytes ||
        std::any_of(subject->begin(), subject->end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
        return Refusal{"the token's subject (sub) is not a text of 1 to " + std::to_string(kMostSubjectBytes) +
                       " bytes without control characters"};
    out.issuer = *issuer;
    out.subject = *subject;
    std::optional<std::int64_t> expires;
    if (!read_optional_date(claims, "exp", expires) || !expires)
        return Refusal{"the token has no sound time of expiry (exp)"};
    out.expires_us = *expires;
    if (!read_optional_date(claims, "nbf", out.not_before_us)) return Refusal{"the token's nbf is no time"};
    if (!read_optional_date(claims, "iat", out.issued_us)) return Refusal{"the token's iat is no time"};
    if (!read_audiences(claims, out.audiences)) return Refusal{"the token's aud is neither a text nor a list of texts"};
    return out;
}

std::optional<Refusal> RegisteredClaims::complaint_at(std::int64_t now_us) const {
    if (now_us >= expires_us + kSkewUs) return Refusal{"the token expired " + seconds(now_us - expires_us) + " ago"};
    if (not_before_us && now_us < *not_before_us - kSkewUs)
        return Refusal{"the token is valid only in " + seconds(*not_before_us - now_us)};
    if (issued_us && now_us < *issued_us - kSkewUs)
        return Refusal{"the token was issued " + seconds(*issued_us - now_us) + " in the future"};
    return std::nullopt;
}

bool RegisteredClaims::is_for(std::string_view audience) const {
    return std::find(audiences.begin(), audiences.end(), audience) != audiences.end();
}

cel::Value to_value(const Json& json) {
    using cel::Value;
    switch (json.type()) {
        case Json::value_t::boolean:
            return Value::boolean(json.get<bool>());
        case Json::value_t::number_integer:
            return Value::integer(json.get<std::int64_t>());
        case Json::value_t::number_unsigned: {
            const auto number = json.get<std::uint64_t>();
            return number <= INT64_MAX ? Value::integer(static_cast<std::int64_t>(number)) : Value::uinteger(number);
        }
        case Json::value_t::number_float:
            return Value::real(json.get<double>());
        case Json::value_t::string:
            return Value::string(json.get<std::string>());
        case Json::value_t::array: {
            cel::List list;
            list.reserve(json.size());
            for (const Json& element : json) list.push_back(to_value(element));
            return Value::list(std::move(list));
        }
        case Json::value_t::object: {
            std::vector<cel::Map::Entry> entries;
            entries.reserve(json.size());
            for (const auto& [name, value] : json.items()) entries.emplace_back(Value::string(name), to_value(value));
            // The names of an object are unique.
            return Value::map(cel::Map::of(std::move(entries)).value_or(cel::Map()));
        }
        default:
            return {};
    }
}

}  // namespace imgsrv::oidc
