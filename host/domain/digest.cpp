#include "domain/digest.h"

#include <algorithm>

namespace imgsrv::domain {

Result<Digest> Digest::parse(std::string_view member, std::string_view text) {
    constexpr std::string_view kPrefix = "sha256:";
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
        std::all_of(text.begin() + kPrefix.size(), text.end(), hex))
        return Digest(std::string(text));
    std::string why;
    if (!text.starts_with(kPrefix))
        why = "does not start with 'sha256:'";
    else if (text.size() != kPrefix.size() + 64)
        why = "has " + std::to_string(text.size() - kPrefix.size()) + " characters after 'sha256:'";
    else
        why = "contains a character that is not a lower-case hex digit";
    return Status(Code::invalid_argument,
                  std::string(member) + " must be 'sha256:' and 64 lower-case hex digits; the value " + why);
}

Digest Digest::from_hex(std::string_view hex) {
    return Digest("sha256:" + std::string(hex));
}

}  // namespace imgsrv::domain
