#include "domain/names.h"

#include <algorithm>
#include <string>

namespace imgsrv::domain {
namespace {

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

std::string quoted(std::string_view text) {
    std::string shown(text.substr(0, 64));
    for (char& c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
    return "'" + shown + (text.size() > 64 ? "…'" : "'");
}

template <class First, class Rest>
Status check(std::string_view member, std::string_view text, std::size_t max, First first, Rest rest,
             std::string_view pattern) {
    if (text.empty()) return {Code::invalid_argument, std::string(member) + " must not be empty"};
    if (text.size() > max)
        return {Code::invalid_argument, std::string(member) + " has " + std::to_string(text.size()) +
                                            " characters, at most " + std::to_string(max) + " are allowed"};
    if (first(text[0]) && std::all_of(text.begin(), text.end(), rest)) return {};
    return {Code::invalid_argument, std::string(member) + " " + quoted(text) + " must match " + std::string(pattern)};
}

bool is_tchar(char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// The length of the UTF-8 sequence at `at`, 0 when there is none (RFC 3629).
std::size_t utf8_length(std::string_view s, std::size_t at) {
    const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
    const unsigned c = byte(at);
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c <= 0xDF) return tail(at + 1) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (!tail(at + 1) || !tail(at + 2)) return 0;
        if ((c == 0xE0 && byte(at + 1) < 0xA0) || (c == 0xED && byte(at + 1) > 0x9F)) return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!tail(at + 1) || !tail(at + 2) || !tail(at + 3)) return 0;
        if ((c == 0xF0 && byte(at + 1) < 0x90) || (c == 0xF4 && byte(at + 1) > 0x8F)) return 0;
        return 4;
    }
    return 0;
}

}  // namespace

Status check_image_name(std::string_view text) {
    const auto rest = [](char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; };
    return check(
        "image name", text, 128, [](char c) { return is_lower(c) || is_digit(c); }, rest,
        "^[a-z0-9][a-z0-9._-]{0,127}$");
}

Status check_version_name(std::string_view text) {
    const auto rest = [](char c) { return is_alnum(c) || std::string_view("._+:-").find(c) != std::string_view::npos; };
    return check("version", text, 128, is_alnum, rest, "^[A-Za-z0-9][A-Za-z0-9._+:-]{0,127}$");
}

Status check_alias_name(std::string_view text) {
    const auto rest = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; };
    return check("alias", text, 64, is_alnum, rest, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$");
}

Status check_token(std::string_view member, std::string_view text) {
    const auto rest = [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '+' || c == '-'; };
    return check(member, text, 64, is_alnum, rest, "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$");
}

Status check_media_type(std::string_view member, std::string_view text) {
    if (text.size() > 255)
        return {Code::invalid_argument,
                std::string(member) + " has " + std::to_string(text.size()) + " characters, at most 255 are allowed"};
    const std::string_view essence = text.substr(0, text.find(';'));
    const auto slash = essence.find('/');
    const auto trimmed = essence.substr(0, essence.find_last_not_of(' ') + 1);
    const bool shape = slash != std::string_view::npos && slash > 0 && slash + 1 < trimmed.size() &&
                       std::all_of(trimmed.begin(), trimmed.begin() + static_cast<std::ptrdiff_t>(slash), is_tchar) &&
                       std::all_of(trimmed.begin() + static_cast<std::ptrdiff_t>(slash) + 1, trimmed.end(), is_tchar);
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
    if (shape && printable) return {};
    return {Code::invalid_argument, std::string(member) + " " + quoted(text) + " is not a media type (type/subtype)"};
}

Status check_text(std::string_view member, std::string_view text, std::size_t max_bytes) {
    if (text.size() > max_bytes)
        return {Code::invalid_argument, std::string(member) + " has " + std::to_string(text.size()) +
                                            " bytes, at most " + std::to_string(max_bytes) + " are allowed"};
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t n = utf8_length(text, at);
        const auto c = static_cast<unsigned char>(text[at]);
        if (n == 0) return {Code::invalid_argument, std::string(member) + " is not valid UTF-8"};
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            return {Code::invalid_argument, std::string(member) + " must not contain control characters"};
        at += n;
    }
    return {};
}

}  // namespace imgsrv::domain
