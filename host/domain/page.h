#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imgsrv::domain {

constexpr std::uint32_t kDefaultPageLimit = 100;
constexpr std::uint32_t kMaxPageLimit = 1000;

// What a list was asked for. `after` is the sort key of the last item the client has; empty: from the start.
struct PageRequest {
    std::uint32_t limit = kDefaultPageLimit;
    std::string after;
};

template <class T>
struct Page {
    std::vector<T> items;
    std::optional<std::string> next;  // the `after` of the next page; none at the end
};

}  // namespace imgsrv::domain
