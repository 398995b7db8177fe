// Ranges and conditions as any client may ask for them: the answer lies within the representation, and fields that
// RFC 9110 passes over change nothing. A line "GET 100" with the size, then fields.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/conditional.h"

using namespace imgsrv;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

std::string_view take_line(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

struct Question {
    http::Request request;
    api::Representation representation{"\"sha256:aa\"", *parse_rfc3339("2026-01-02T03:04:05.5Z")};
};

Question read(std::string_view text) {
    Question q;
    const auto line = take_line(text);
    q.request.method = line.starts_with("HEAD ") ? http::Method::head : http::Method::get;
    const auto size = line.substr(std::min(line.size(), line.find(' ') + 1));
    std::from_chars(size.data(), size.data() + size.size(), q.representation.size);
    while (!text.empty()) {
        const auto field = take_line(text);
        const auto colon = std::min(field.size(), field.find(':'));
        const auto value = field.substr(std::min(field.size(), colon + 1));
        q.request.headers.add(std::string(field.substr(0, colon)), std::string(http::trim(value)));
    }
    return q;
}

http::Headers without(const http::Headers& headers, std::string_view name) {
    http::Headers rest;
    for (const auto& [n, value] : headers.all())
        if (!http::same_token(n, name)) rest.add(n, value);
    return rest;
}

void check(const api::Selection& s, const Question& q) {
    const auto& headers = q.request.headers;
    switch (s.status) {
        case 200:
            return require(s.offset == 0 && s.length == q.representation.size);
        case 206:
            require(q.request.method == http::Method::get && headers.find("Range"));
            return require(s.length > 0 && s.offset < q.representation.size &&
                           s.length <= q.representation.size - s.offset);
        case 304:
            require(headers.find("If-None-Match") || headers.find("If-Modified-Since"));
            break;
        case 412:
            require(headers.find("If-Match") || headers.find("If-Unmodified-Since"));
            break;
        case 416:
            require(q.request.method == http::Method::get && headers.find("Range"));
            break;
        default:
            std::abort();
    }
    require(s.offset == 0 && s.length == 0);
}

// RFC 9110, section 13.2.2: a date counts only where there is no tag, If-Range only beside Range.
void check_precedence(const Question& q, const api::Selection& s) {
    const auto same_without = [&](const char* winner, const char* passed_over) {
        if (!q.request.headers.find(winner)) return;
        http::Request request;
        request.method = q.request.method;
        request.headers = without(q.request.headers, passed_over);
        const auto again = api::select(request, q.representation);
        require(again.status == s.status && again.offset == s.offset && again.length == s.length);
    };
    same_without("If-Match", "If-Unmodified-Since");
    same_without("If-None-Match", "If-Modified-Since");
    if (!q.request.headers.find("Range")) same_without("If-Range", "If-Range");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Question q = read({reinterpret_cast<const char*>(data), size});
    const auto s = api::select(q.request, q.representation);
    check(s, q);
    check_precedence(q, s);
    for (const auto& [name, value] : q.request.headers.all())
        if (const auto date = parse_http_date(value); date.ok()) {
            const auto again = parse_http_date(format_http_date(*date));
            require(again.ok() && *again == *date);
        }
    return 0;
}
