#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv {

// A duration as people write it in settings and flags: a whole number and one of ms, s, m, h, d, w ("500ms", "90d").
// "0" needs no unit. At most 36500d, so that adding it to a time cannot overflow. invalid_argument says what is wrong
// and shows an example.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// A size in bytes: a whole number, alone or with B, KiB, MiB, GiB, TiB, or kB, MB, GB, TB ("64MiB", "1048576").
Result<std::uint64_t> parse_size(std::string_view text);

// For people: "840 ms", "12.3 s", "4m 05s", "2h 10m".
std::string format_duration(std::chrono::milliseconds d);

// For people, three figures: "512 B", "1.25 KiB", "64.0 MiB".
std::string format_size(std::uint64_t bytes);

}  // namespace imgsrv
