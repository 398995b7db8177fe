#include "http/message.h"

#include <strings.h>

#include <algorithm>
#include <cassert>

#include "http/percent.h"

namespace imgsrv::http {

bool same_token(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view to_string(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::del:
            return "DELETE";
        case Method::options:
            return "OPTIONS";
        case Method::other:
            break;
    }
    return "OTHER";
}

void Headers::set(std::string_view name, std::string value) {
    std::erase_if(fields_, [&](const auto& field) { return same_token(field.first, name); });
    fields_.emplace_back(name, std::move(value));
}

const std::string* Headers::find(std::string_view name) const {
    for (const auto& [key, value] : fields_)
        if (same_token(key, name)) return &value;
    return nullptr;
}

std::string Headers::joined(std::string_view name) const {
    std::string all;
    bool first = true;
    for (const auto& [key, value] : fields_) {
        if (!same_token(key, name)) continue;
        if (!std::exchange(first, false)) all += ", ";
        all += value;
    }
    return all;
}

const std::string& Request::param(std::string_view name) const {
    for (const auto& [key, value] : params)
        if (key == name) return value;
    static const std::string kNone;
    assert(!"the route has no parameter of that name");
    return kNone;
}

Result<std::optional<std::string>> Request::query_value(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const auto equals = pair.find('=');
        const auto key = percent_decode(pair.substr(0, equals), PlusIs::space);
        if (!key || *key != name) continue;
        if (equals == std::string_view::npos) return std::optional<std::string>("");
        auto value = percent_decode(pair.substr(equals + 1), PlusIs::space);
        if (!value || !is_utf8(*value) || value->find('\0') != std::string::npos)
            return Status(Code::invalid_argument,
                          "the query parameter '" + std::string(name) + "' is not percent-encoded UTF-8");
        return std::optional<std::string>(std::move(*value));
    }
    return std::optional<std::string>();
}

Result<std::string> Request::read_body(std::size_t limit) {
    const auto too_large = [&](const std::string& size) {
        return Status(Code::too_large,
                      "the body is " + size + " bytes; at most " + std::to_string(limit) + " are accepted");
    };
    if (content_length.value_or(0) > limit) return too_large(std::to_string(*content_length));
    std::string text;
    std::size_t used = 0;
    for (;;) {
        // One byte more than the limit tells "too large" from "exactly full".
        if (used == text.size())
            text.resize(std::min<std::size_t>(limit + 1, content_length ? *content_length + 1 : used * 2 + 4096));
        IMGSRV_ASSIGN(const std::size_t n, body->read(std::as_writable_bytes(std::span(text).subspan(used))));
        if (n == 0) break;
        used += n;
        if (used > limit) return too_large("over " + std::to_string(limit));
    }
    text.resize(used);
    return text;
}

}  // namespace imgsrv::http
