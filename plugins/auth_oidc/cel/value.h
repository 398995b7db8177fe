#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cel/limits.h"

namespace imgsrv::cel {

class Value;
class Map;
using List = std::vector<Value>;

// In the order of Value's alternatives.
enum class Kind : std::uint8_t { null, boolean, integer, uinteger, real, string, bytes, list, map };

// As CEL calls it: "int", "uint", "double", …
std::string_view type_name(Kind kind);

// A value of the language. Immutable; a copy shares text, lists and maps with its source.
class Value {
  public:
    Value() = default;  // null

    static Value boolean(bool v) { return Value(Data(std::in_place_index<1>, v)); }
    static Value integer(std::int64_t v) { return Value(Data(std::in_place_index<2>, v)); }
    static Value uinteger(std::uint64_t v) { return Value(Data(std::in_place_index<3>, v)); }
    static Value real(double v) { return Value(Data(std::in_place_index<4>, v)); }
    static Value string(std::string v);  // valid UTF-8
    static Value bytes(std::string v);
    static Value list(List v);
    static Value map(Map v);

    Kind kind() const { return static_cast<Kind>(data_.index()); }
    bool is(Kind k) const { return kind() == k; }
    bool is_number() const { return kind() >= Kind::integer && kind() <= Kind::real; }

    // Each requires that kind.
    bool as_boolean() const { return *std::get_if<1>(&data_); }
    std::int64_t as_integer() const { return *std::get_if<2>(&data_); }
    std::uint64_t as_uinteger() const { return *std::get_if<3>(&data_); }
    double as_real() const { return *std::get_if<4>(&data_); }
    const List& as_list() const { return **std::get_if<7>(&data_); }
    const Map& as_map() const { return **std::get_if<8>(&data_); }
    // A string's or bytes' content.
    std::string_view text() const;

  private:
    using Text = std::shared_ptr<const std::string>;
    using Data = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, Text, Text,
                              std::shared_ptr<const List>, std::shared_ptr<const Map>>;
    explicit Value(Data data) : data_(std::move(data)) {}
    Data data_;
};

// A map from bool, int, uint or string. An int and a uint of the same value are one key.
class Map {
  public:
    using Entry = std::pair<Value, Value>;

    Map() = default;
    static bool can_be_key(const Value& value);
    // None when a key stands twice; all must be possible keys.
    static std::optional<Map> of(std::vector<Entry> entries);

    // Null: there is none. Of any kind: a double finds the whole number it equals.
    const Value* find(const Value& key) const;
    const Value* find(std::string_view key) const;

    std::size_t size() const { return entries_.size(); }
    // In the order of the keys.
    const std::vector<Entry>& entries() const { return entries_; }

  private:
    std::vector<Entry> entries_;
};

// `==` of the language: values of different kinds are not equal, except that numbers compare by value. None: the budget
// is used up.
std::optional<bool> equal(const Value& a, const Value& b, Budget& budget);

// `<` and its like: numbers among each other, strings and bytes by their bytes, bools. None: these two have no order.
// unordered: one is a NaN.
std::optional<std::partial_ordering> order(const Value& a, const Value& b);

// Two numbers.
std::partial_ordering compare_numbers(const Value& a, const Value& b);

}  // namespace imgsrv::cel
