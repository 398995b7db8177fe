#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imgsrv::cel {

// The type of an expression, as far as it is known before evaluation.
class Type {
  public:
    // dyn: known at evaluation only. parameter: any type, the same at each place of a signature.
    enum class Kind : std::uint8_t { dyn, null, boolean, integer, uinteger, real, string, bytes, list, map, parameter };

    Type() = default;                 // dyn
    Type(Kind kind) : kind_(kind) {}  // NOLINT(google-explicit-constructor): Kind::integer is the type int
    static Type list(Type element) { return {Kind::list, {std::move(element)}}; }
    static Type map(Type key, Type value) { return {Kind::map, {std::move(key), std::move(value)}}; }
    // index: 0 or 1.
    static Type parameter(std::uint8_t index) {
        Type t(Kind::parameter);
        t.index_ = index;
        return t;
    }

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    // A list's element type; a map's key and value types.
    const Type& element() const { return arguments_[0]; }
    const Type& key() const { return arguments_[0]; }
    const Type& value() const { return arguments_[1]; }
    std::uint8_t index() const { return index_; }
    const std::vector<Type>& arguments() const { return arguments_; }

    bool operator==(const Type&) const = default;

    // "list(string)"
    std::string name() const;

  private:
    Type(Kind kind, std::vector<Type> arguments) : kind_(kind), arguments_(std::move(arguments)) {}

    Kind kind_ = Kind::dyn;
    std::uint8_t index_ = 0;
    std::vector<Type> arguments_;
};

// What the parameters of one signature stand for, found while its arguments are matched from left to right.
class Substitution {
  public:
    // Whether an argument of the type `actual` may stand where the signature has `wanted`. dyn may stand anywhere.
    bool match(const Type& wanted, const Type& actual);
    // The type with its parameters replaced; those that nothing was found for are dyn.
    Type apply(const Type& type) const;

  private:
    std::array<std::optional<Type>, 2> found_;
};

// The type of a value that has one of the two types: that type when they are the same, else dyn.
Type join(const Type& a, const Type& b);
// Whether a value of one may also be one of the other, as far as is known.
bool compatible(const Type& a, const Type& b);

}  // namespace imgsrv::cel
