#include "http/preference.h"

#include <algorithm>
#include <cctype>

#include "http/message.h"

namespace imgsrv::http {
namespace {

constexpr int kMost = 1000;

// Removes the part before the separator from the front of `rest`, and returns it.
std::string_view take(std::string_view& rest, char separator) {
    const auto end = std::min(rest.find(separator), rest.size());
    const auto front = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return trim(front);
}

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
std::optional<int> parse_weight(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    int weight = text[0] == '1' ? kMost : 0;
    int unit = kMost;
    for (const char digit : text.substr(std::min<std::size_t>(2, text.size()))) {
        if (std::isdigit(static_cast<unsigned char>(digit)) == 0) return std::nullopt;
        unit /= 10;
        weight += (digit - '0') * unit;
    }
    return weight <= kMost ? std::optional(weight) : std::nullopt;
}

}  // namespace

Preferences::Preferences(std::string_view field) {
    while (!field.empty()) {
        std::string_view element = take(field, ',');
        const std::string_view token = take(element, ';');
        std::optional<int> weight = kMost;
        while (!element.empty()) {
            std::string_view parameter = take(element, ';');
            const std::string_view name = take(parameter, '=');
            if (same_token(name, "q")) weight = parse_weight(trim(parameter));
        }
        if (!token.empty() && weight) elements_.emplace_back(token, *weight);
    }
}

std::optional<int> Preferences::quality(std::string_view token) const {
    for (const auto& [name, weight] : elements_)
        if (same_token(name, token)) return weight;
    return std::nullopt;
}

}  // namespace imgsrv::http
