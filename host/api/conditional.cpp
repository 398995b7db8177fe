#include "api/conditional.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace imgsrv::api {
namespace {

// HTTP dates have whole seconds.
bool modified_after(Time modified, Time limit) {
    return std::chrono::floor<std::chrono::seconds>(modified) > std::chrono::floor<std::chrono::seconds>(limit);
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return {};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // A position beyond 64 bits is beyond any object too.
    return error == std::errc() ? value : UINT64_MAX;
}

bool range_applies(const http::Request& request, const Representation& r) {
    const std::string* condition = request.headers.find("If-Range");
    if (!condition) return true;
    if (condition->starts_with('"')) return http::trim(*condition) == r.etag;
    if (condition->starts_with("W/")) return false;
    const auto date = parse_http_date(http::trim(*condition));
    return date.ok() && std::chrono::floor<std::chrono::seconds>(r.modified) == *date;
}

Selection select_range(std::string_view spec, const Representation& r) {
    const Selection whole{200, 0, r.size};
    const Selection unsatisfiable{416, 0, 0};
    const auto equals = spec.find('=');
    if (equals == std::string_view::npos || http::trim(spec.substr(0, equals)) != "bytes") return whole;
    const std::string_view set = http::trim(spec.substr(equals + 1));
    const auto dash = set.find('-');
    if (set.find(',') != std::string_view::npos || dash == std::string_view::npos) return unsatisfiable;
    const std::string_view first_text = http::trim(set.substr(0, dash));
    const std::string_view last_text = http::trim(set.substr(dash + 1));
    if (first_text.empty()) {
        const auto suffix = number(last_text);
        if (!suffix || *suffix == 0 || r.size == 0) return unsatisfiable;
        const std::uint64_t length = std::min(*suffix, r.size);
        return {206, r.size - length, length};
    }
    const auto first = number(first_text);
    const auto last = last_text.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(last_text);
    if (!first || !last || *last < *first || *first >= r.size) return unsatisfiable;
    return {206, *first, std::min(*last, r.size - 1) - *first + 1};
}

}  // namespace

bool names_etag(std::string_view list, std::string_view etag) {
    if (http::trim(list) == "*") return true;
    while (!list.empty()) {
        const auto open = list.find('"');
        if (open == std::string_view::npos) return false;
        const auto close = list.find('"', open + 1);
        if (close == std::string_view::npos) return false;
        if (list.substr(open, close - open + 1) == etag) return true;
        list.remove_prefix(close + 1);
    }
    return false;
}

Selection select(const http::Request& request, const Representation& r) {
    const auto& headers = request.headers;
    if (headers.find("If-Match")) {
        if (!names_etag(headers.joined("If-Match"), r.etag)) return {412, 0, 0};
    } else if (const std::string* since = headers.find("If-Unmodified-Since")) {
        const auto date = parse_http_date(*since);
        if (date.ok() && modified_after(r.modified, *date)) return {412, 0, 0};
    }
    if (headers.find("If-None-Match")) {
        if (names_etag(headers.joined("If-None-Match"), r.etag)) return {304, 0, 0};
    } else if (const std::string* since = headers.find("If-Modified-Since")) {
        const auto date = parse_http_date(*since);
        if (date.ok() && !modified_after(r.modified, *date)) return {304, 0, 0};
    }
    if (request.method == http::Method::get && headers.find("Range") && range_applies(request, r))
        return select_range(headers.joined("Range"), r);
    return {200, 0, r.size};
}

}  // namespace imgsrv::api
