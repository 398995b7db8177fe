#pragma once

#include <compare>
#include <cstdint>
#include <optional>

namespace imgsrv::cel {

// Numbers of different types compare by their value on one number line, as if they had no limits (Language Definition,
// "Numbers"). A NaN is unordered with everything.
std::partial_ordering compare(std::int64_t a, std::uint64_t b);
std::partial_ordering compare(std::int64_t a, double b);
std::partial_ordering compare(std::uint64_t a, double b);

// None: the result does not fit, or (quotient, remainder) the divisor is zero.
template <class T>
std::optional<T> sum(T a, T b) {
    T out;
    return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}
template <class T>
std::optional<T> difference(T a, T b) {
    T out;
    return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}
template <class T>
std::optional<T> product(T a, T b) {
    T out;
    return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}
std::optional<std::int64_t> quotient(std::int64_t a, std::int64_t b);
std::optional<std::uint64_t> quotient(std::uint64_t a, std::uint64_t b);
std::optional<std::int64_t> remainder(std::int64_t a, std::int64_t b);
std::optional<std::uint64_t> remainder(std::uint64_t a, std::uint64_t b);

// Towards zero. None: NaN, or outside of the type's range.
std::optional<std::int64_t> to_int64(double value);
std::optional<std::uint64_t> to_uint64(double value);

}  // namespace imgsrv::cel
