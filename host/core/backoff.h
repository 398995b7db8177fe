#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace imgsrv {

// The pause after so many failures in a row: `first`, doubled with each further failure, at most `most`.
inline std::chrono::milliseconds doubling_pause(std::chrono::milliseconds first, std::chrono::milliseconds most,
                                                std::uint64_t failures) {
    auto pause = first;
    for (std::uint64_t i = 1; i < failures && pause < most; ++i) pause *= 2;
    return std::min(pause, most);
}

}  // namespace imgsrv
