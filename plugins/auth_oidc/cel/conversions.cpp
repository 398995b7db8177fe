#include "cel/conversions.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "cel/numbers.h"
#include "cel/utf8.h"

namespace imgsrv::cel {
namespace {

template <class T>
std::optional<T> parse_number(std::string_view text) {
    // from_chars takes no plus sign.
    if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <class T>
std::string format_number(T value) {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

std::string out_of_range(std::string_view type) {
    return "range error: the value does not fit into " + std::string(type);
}

Answer to_integer(const Value& v) {
    switch (v.kind()) {
        case Kind::integer:
            return v;
        case Kind::uinteger:
            if (v.as_uinteger() > static_cast<std::uint64_t>(INT64_MAX)) return out_of_range("int");
            return Value::integer(static_cast<std::int64_t>(v.as_uinteger()));
        case Kind::real: {
            const auto whole = to_int64(v.as_real());
            return whole ? Answer(Value::integer(*whole)) : out_of_range("int");
        }
        case Kind::string: {
            const auto number = parse_number<std::int64_t>(v.text());
            return number ? Answer(Value::integer(*number)) : "type conversion error: the string is no int";
        }
        default:
            return no_such_overload("int", v);
    }
}

Answer to_uinteger(const Value& v) {
    switch (v.kind()) {
        case Kind::uinteger:
            return v;
        case Kind::integer:
            if (v.as_integer() < 0) return out_of_range("uint");
            return Value::uinteger(static_cast<std::uint64_t>(v.as_integer()));
        case Kind::real: {
            const auto whole = to_uint64(v.as_real());
            return whole ? Answer(Value::uinteger(*whole)) : out_of_range("uint");
        }
        case Kind::string: {
            const auto number = parse_number<std::uint64_t>(v.text());
            return number ? Answer(Value::uinteger(*number)) : "type conversion error: the string is no uint";
        }
        default:
            return no_such_overload("uint", v);
    }
}

Answer to_real(const Value& v) {
    switch (v.kind()) {
        case Kind::real:
            return v;
        case Kind::integer:
            return Value::real(static_cast<double>(v.as_integer()));
        case Kind::uinteger:
            return Value::real(static_cast<double>(v.as_uinteger()));
        case Kind::string: {
            const auto number = parse_number<double>(v.text());
            return number ? Answer(Value::real(*number)) : "type conversion error: the string is no double";
        }
        default:
            return no_such_overload("double", v);
    }
}

Answer to_boolean(const Value& v) {
    if (v.is(Kind::boolean)) return v;
    if (!v.is(Kind::string)) return no_such_overload("bool", v);
    for (const std::string_view yes : {"1", "t", "true", "TRUE", "True"})
        if (v.text() == yes) return Value::boolean(true);
    for (const std::string_view no : {"0", "f", "false", "FALSE", "False"})
        if (v.text() == no) return Value::boolean(false);
    return "type conversion error: the string is no bool";
}

std::string format_real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return format_number(value);
}

Answer to_text(const Value& v) {
    switch (v.kind()) {
        case Kind::string:
            return v;
        case Kind::boolean:
            return Value::string(v.as_boolean() ? "true" : "false");
        case Kind::integer:
            return Value::string(format_number(v.as_integer()));
        case Kind::uinteger:
            return Value::string(format_number(v.as_uinteger()));
        case Kind::real:
            return Value::string(format_real(v.as_real()));
        case Kind::bytes:
            if (!is_utf8(v.text())) return "type conversion error: the bytes are not valid UTF-8";
            return Value::string(std::string(v.text()));
        default:
            return no_such_overload("string", v);
    }
}

}  // namespace

std::string no_such_overload(std::string_view function, const Value& argument) {
    return "no such overload: '" + std::string(function) + "' of " + std::string(type_name(argument.kind()));
}

Answer convert(Function function, const Value& value) {
    switch (function) {
        case Function::to_int:
            return to_integer(value);
        case Function::to_uint:
            return to_uinteger(value);
        case Function::to_double:
            return to_real(value);
        case Function::to_bool:
            return to_boolean(value);
        case Function::to_string:
            return to_text(value);
        case Function::to_bytes:
            if (value.is(Kind::bytes)) return value;
            if (value.is(Kind::string)) return Value::bytes(std::string(value.text()));
            return no_such_overload("bytes", value);
        default:
            return value;
    }
}

}  // namespace imgsrv::cel
