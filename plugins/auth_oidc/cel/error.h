#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace imgsrv::cel {

// Where in a source text; both count from 1, columns in code points.
struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
};

struct Error {
    enum class Kind {
        syntax,       // the text is no expression
        type,         // it is one whose types do not fit
        unsupported,  // part of the language that this library leaves out: messages, optional values
        evaluation,   // it met a value that it has no answer for: a missing key, an overflow
        limit,        // it is too large, or its evaluation too costly; no operator absorbs that
    };
    Kind kind = Kind::evaluation;
    std::string message;
    Position at;

    // "line 1, column 7: no such key: 'ref'"
    std::string describe() const;
};

// A value, or why there is none.
template <class T>
class [[nodiscard]] Result {
  public:
    Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
    Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

    bool ok() const { return v_.index() == 0; }
    // Requires ok().
    T& operator*() & { return *std::get_if<0>(&v_); }
    const T& operator*() const& { return *std::get_if<0>(&v_); }
    T&& operator*() && { return std::move(*std::get_if<0>(&v_)); }
    T* operator->() { return std::get_if<0>(&v_); }
    const T* operator->() const { return std::get_if<0>(&v_); }
    // Requires !ok().
    Error& error() & { return *std::get_if<1>(&v_); }
    const Error& error() const& { return *std::get_if<1>(&v_); }
    Error&& error() && { return std::move(*std::get_if<1>(&v_)); }

  private:
    std::variant<T, Error> v_;
};

}  // namespace imgsrv::cel

#define CEL_CONCAT_(a, b) a##b
#define CEL_CONCAT(a, b) CEL_CONCAT_(a, b)

// Leaves the function with the error of expr, if it has one.
#define CEL_TRY(expr)                                                             \
    do {                                                                          \
        if (auto tried_ = (expr); !tried_.ok()) return std::move(tried_).error(); \
    } while (false)

// CEL_ASSIGN(auto x, f()): names the value of f(), or leaves the function with its error.
#define CEL_ASSIGN(decl, expr) CEL_ASSIGN_(CEL_CONCAT(result_, __COUNTER__), decl, expr)
#define CEL_ASSIGN_(tmp, decl, expr)              \
    auto tmp = (expr);                            \
    if (!tmp.ok()) return std::move(tmp).error(); \
    decl = *std::move(tmp)
