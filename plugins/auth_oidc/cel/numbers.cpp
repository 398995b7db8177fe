#include "cel/numbers.h"

#include <cmath>
#include <limits>

namespace imgsrv::cel {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// a against b, whose whole part is `whole`.
template <class T>
std::partial_ordering compare_with_fraction(T a, T whole, double b) {
    if (a != whole) return a <=> whole;
    // Equal up to the point. A double with a fraction is below 2^53, where the difference is exact.
    return 0.0 <=> b - static_cast<double>(whole);
}

}  // namespace

std::partial_ordering compare(std::int64_t a, std::uint64_t b) {
    if (a < 0) return std::partial_ordering::less;
    return static_cast<std::uint64_t>(a) <=> b;
}

std::partial_ordering compare(std::int64_t a, double b) {
    if (std::isnan(b)) return std::partial_ordering::unordered;
    if (b >= kTwo63) return std::partial_ordering::less;
    if (b < -kTwo63) return std::partial_ordering::greater;
    return compare_with_fraction(a, static_cast<std::int64_t>(b), b);
}

std::partial_ordering compare(std::uint64_t a, double b) {
    if (std::isnan(b)) return std::partial_ordering::unordered;
    if (b >= kTwo64) return std::partial_ordering::less;
    if (b < 0) return std::partial_ordering::greater;
    return compare_with_fraction(a, static_cast<std::uint64_t>(b), b);
}

std::optional<std::int64_t> quotient(std::int64_t a, std::int64_t b) {
    if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1)) return std::nullopt;
    return a / b;
}
std::optional<std::uint64_t> quotient(std::uint64_t a, std::uint64_t b) {
    if (b == 0) return std::nullopt;
    return a / b;
}

std::optional<std::int64_t> remainder(std::int64_t a, std::int64_t b) {
    if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1)) return std::nullopt;
    return a % b;
}
std::optional<std::uint64_t> remainder(std::uint64_t a, std::uint64_t b) {
    if (b == 0) return std::nullopt;
    return a % b;
}

std::optional<std::int64_t> to_int64(double value) {
    const double whole = std::trunc(value);
    if (!(whole >= -kTwo63 && whole < kTwo63)) return std::nullopt;
    return static_cast<std::int64_t>(whole);
}

std::optional<std::uint64_t> to_uint64(double value) {
    const double whole = std::trunc(value);
    if (!(whole >= 0 && whole < kTwo64)) return std::nullopt;
    return static_cast<std::uint64_t>(whole);
}

}  // namespace imgsrv::cel
