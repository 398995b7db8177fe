#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv {

// A moment in UTC, microseconds since 1970. The resolution of everything stored.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

inline std::int64_t to_micros(Time t) {
    return t.time_since_epoch().count();
}
inline Time from_micros(std::int64_t us) {
    return Time(std::chrono::microseconds(us));
}

// RFC 3339 in UTC, with microseconds when there are any: "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.250000Z".
std::string format_rfc3339(Time t);

// RFC 3339 with any offset; invalid_argument for anything else.
Result<Time> parse_rfc3339(std::string_view text);

// IMF-fixdate of RFC 9110, section 5.6.7: "Fri, 02 Jan 2026 03:04:05 GMT".
std::string format_http_date(Time t);

// IMF-fixdate only; the two obsolete forms are refused with invalid_argument.
Result<Time> parse_http_date(std::string_view text);

}  // namespace imgsrv
