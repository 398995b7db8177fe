// The keys of objects: rule S1 of ABI.md, for stores that check what they are given.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "failure.hpp"

namespace imgsrv::sdk {

inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxKeySegmentBytes = 200;

// A segment is 1 to 200 bytes of [A-Za-z0-9._:-], and neither "." nor "..".
inline bool valid_key_segment(std::string_view segment) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == ':' || c == '-';
    };
    return !segment.empty() && segment.size() <= kMaxKeySegmentBytes && segment != "." && segment != ".." &&
           std::all_of(segment.begin(), segment.end(), allowed);
}

// What is wrong with the key, as a sentence; empty when nothing is.
inline std::string key_fault(std::string_view key) {
    if (key.empty()) return "a key must not be empty";
    if (key.size() > kMaxKeyBytes) {
        return "a key has at most " + std::to_string(kMaxKeyBytes) + " bytes, this one has " +
               std::to_string(key.size());
    }
    for (std::size_t begin = 0; begin <= key.size();) {
        const auto end = std::min(key.find('/', begin), key.size());
        if (!valid_key_segment(key.substr(begin, end - begin))) {
            return "each segment of a key has 1 to " + std::to_string(kMaxKeySegmentBytes) +
                   " bytes of [A-Za-z0-9._:-] and is neither \".\" nor \"..\"; the segment at byte " +
                   std::to_string(begin) + " is not like that";
        }
        begin = end + 1;
    }
    return {};
}

// Throws INVALID_ARGUMENT, which names the broken rule.
inline void check_key(std::string_view key) {
    if (auto fault = key_fault(key); !fault.empty()) throw Failure(IMGSRV_INVALID_ARGUMENT, std::move(fault));
}

}  // namespace imgsrv::sdk
