#include "core/units.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace imgsrv {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 6> kDurations = {{{"ms", 1},
                                             {"s", 1000},
                                             {"m", 60 * 1000},
                                             {"h", 3600 * 1000},
                                             {"d", 24ULL * 3600 * 1000},
                                             {"w", 7ULL * 24 * 3600 * 1000}}};
constexpr std::array<Unit, 10> kSizes = {{{"", 1},
                                          {"B", 1},
                                          {"KiB", 1ULL << 10U},
                                          {"MiB", 1ULL << 20U},
                                          {"GiB", 1ULL << 30U},
                                          {"TiB", 1ULL << 40U},
                                          {"kB", 1000},
                                          {"MB", 1000ULL * 1000},
                                          {"GB", 1000ULL * 1000 * 1000},
                                          {"TB", 1000ULL * 1000 * 1000 * 1000}}};

// Values that do not fit an int64 are refused: every user of these numbers stores them signed.
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

// A clock counts nanoseconds in an int64, which overflows after 292 years. 100 years leave room for sums.
constexpr std::uint64_t kLongest = 36'500ULL * 24 * 3600 * 1000;

template <std::size_t N>
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units, std::string_view what) {
    const Status bad(Code::invalid_argument, "'" + std::string(text.substr(0, 64)) + "' is not " + std::string(what));
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return bad;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (number == 0 && unit.empty()) return number;
    for (const Unit& u : units) {
        if (u.name != unit) continue;
        if (number > kLargest / u.factor) return Status(bad).with_context("too large");
        return number * u.factor;
    }
    return bad;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    IMGSRV_ASSIGN(const std::uint64_t ms, parse(text, kDurations, "a duration such as 500ms, 30s, 5m, 24h or 90d"));
    if (ms > kLongest)
        return Status(Code::invalid_argument, "'" + std::string(text.substr(0, 64)) + "' is longer than 36500d");
    return std::chrono::milliseconds(ms);
}

Result<std::uint64_t> parse_size(std::string_view text) {
    return parse(text, kSizes, "a size such as 64MiB, 1GiB or 1048576");
}

std::string format_duration(std::chrono::milliseconds d) {
    const long long ms = d.count();
    std::array<char, 48> text{};
    if (ms < 1000)
        std::snprintf(text.data(), text.size(), "%lld ms", ms);
    else if (ms < 60'000)
        std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1000);
    else if (ms < 3'600'000)
        std::snprintf(text.data(), text.size(), "%lldm %02llds", ms / 60'000, ms / 1000 % 60);
    else
        std::snprintf(text.data(), text.size(), "%lldh %02lldm", ms / 3'600'000, ms / 60'000 % 60);
    return text.data();
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> kNames = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    std::array<char, 48> text{};
    if (bytes < 1024) {
        std::snprintf(text.data(), text.size(), "%llu B", static_cast<unsigned long long>(bytes));
        return text.data();
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t at = 0;
    while (value >= 1023.5 && at + 1 < kNames.size()) {
        value /= 1024;
        ++at;
    }
    std::snprintf(text.data(), text.size(),
                  value < 9.995   ? "%.2f %s"
                  : value < 99.95 ? "%.1f %s"
                                  : "%.0f %s",
                  value, kNames.at(at));
    return text.data();
}

}  // namespace imgsrv
