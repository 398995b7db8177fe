#include "cel/calls.h"

#include <bit>
#include <functional>

#include "cel/numbers.h"
#include "cel/utf8.h"

namespace imgsrv::cel {
namespace {

Answer no_such_overload(Function function, const Value& a, const Value& b) {
    return "no such overload: " + std::string(type_name(a.kind())) + " " + std::string(function_name(function)) + " " +
           std::string(type_name(b.kind()));
}

// The operators of int and uint; T is one of them.
template <class T>
std::optional<T> whole_arithmetic(Function function, T a, T b) {
    switch (function) {
        case Function::add:
            return sum(a, b);
        case Function::subtract:
            return difference(a, b);
        case Function::multiply:
            return product(a, b);
        case Function::divide:
            return quotient(a, b);
        default:
            return remainder(a, b);
    }
}

template <class T>
Answer whole_answer(Function function, T a, T b, Value (*make)(T)) {
    if (b == 0 && function == Function::divide) return "division by zero";
    if (b == 0 && function == Function::modulo) return "modulus by zero";
    const auto result = whole_arithmetic(function, a, b);
    return result ? Answer(make(*result)) : "return error for overflow: the result does not fit into 64 bits";
}

Answer real_answer(Function function, const Value& left, const Value& right) {
    const double a = left.as_real();
    const double b = right.as_real();
    switch (function) {
        case Function::add:
            return Value::real(a + b);
        case Function::subtract:
            return Value::real(a - b);
        case Function::multiply:
            return Value::real(a * b);
        case Function::divide:
            return Value::real(a / b);  // IEEE 754: no error
        default:
            return no_such_overload(function, left, right);
    }
}

std::optional<Answer> concatenate(const Value& a, const Value& b, Budget& budget) {
    if (a.is(Kind::list)) {
        if (!budget.spend(a.as_list().size() + b.as_list().size())) return std::nullopt;
        List joined = a.as_list();
        joined.insert(joined.end(), b.as_list().begin(), b.as_list().end());
        return Value::list(std::move(joined));
    }
    if (!budget.spend((a.text().size() + b.text().size()) / kBytesPerUnit)) return std::nullopt;
    std::string joined(a.text());
    joined += b.text();
    return a.is(Kind::string) ? Value::string(std::move(joined)) : Value::bytes(std::move(joined));
}

std::optional<Answer> arithmetic(Function function, const Value& a, const Value& b, Budget& budget) {
    if (a.kind() != b.kind()) return no_such_overload(function, a, b);
    switch (a.kind()) {
        case Kind::integer:
            return whole_answer(function, a.as_integer(), b.as_integer(), Value::integer);
        case Kind::uinteger:
            return whole_answer(function, a.as_uinteger(), b.as_uinteger(), Value::uinteger);
        case Kind::real:
            return real_answer(function, a, b);
        case Kind::string:
        case Kind::bytes:
        case Kind::list:
            if (function == Function::add) return concatenate(a, b, budget);
            return no_such_overload(function, a, b);
        default:
            return no_such_overload(function, a, b);
    }
}

std::optional<Answer> ordering(Function function, const Value& a, const Value& b, Budget& budget) {
    const bool texts = (a.is(Kind::string) || a.is(Kind::bytes)) && a.kind() == b.kind();
    if (texts && !budget.spend(std::min(a.text().size(), b.text().size()) / kBytesPerUnit)) return std::nullopt;
    const auto o = order(a, b);
    if (!o) return no_such_overload(function, a, b);
    switch (function) {
        case Function::less:
            return Value::boolean(*o < 0);
        case Function::less_or_equal:
            return Value::boolean(*o <= 0);
        case Function::greater:
            return Value::boolean(*o > 0);
        default:
            return Value::boolean(*o >= 0);
    }
}

Answer negate(const Value& v) {
    if (v.is(Kind::real)) return Value::real(-v.as_real());
    if (!v.is(Kind::integer)) return no_such_overload("-", v);
    const auto negated = difference<std::int64_t>(0, v.as_integer());
    return negated ? Answer(Value::integer(*negated))
                   : "return error for overflow: the result does not fit into 64 bits";
}

// Searching a map compares the key with some of its keys, in full in the worst case. False: the budget is used up.
bool spend_search(const Value& key, const Map& map, Budget& budget) {
    return !key.is(Kind::string) || budget.spend(key.text().size() / kBytesPerUnit * std::bit_width(map.size()));
}

std::optional<Answer> contains(const Value& element, const Value& collection, Budget& budget) {
    if (collection.is(Kind::map)) {
        if (!spend_search(element, collection.as_map(), budget)) return std::nullopt;
        return Value::boolean(collection.as_map().find(element) != nullptr);
    }
    if (!collection.is(Kind::list)) return no_such_overload(Function::in, element, collection);
    for (const Value& candidate : collection.as_list()) {
        const auto same = equal(element, candidate, budget);
        if (!same) return std::nullopt;
        if (*same) return Value::boolean(true);
    }
    return Value::boolean(false);
}

// A number as an index: whole, and not negative.
std::optional<std::uint64_t> to_index(const Value& v) {
    if (v.is(Kind::uinteger)) return v.as_uinteger();
    if (v.is(Kind::integer) && v.as_integer() >= 0) return static_cast<std::uint64_t>(v.as_integer());
    if (!v.is(Kind::real)) return std::nullopt;
    const auto whole = to_uint64(v.as_real());
    return whole && compare(*whole, v.as_real()) == 0 ? whole : std::nullopt;
}

std::optional<Answer> index(const Value& collection, const Value& at, Budget& budget) {
    if (collection.is(Kind::map)) {
        if (!spend_search(at, collection.as_map(), budget)) return std::nullopt;
        const Value* found = collection.as_map().find(at);
        return found ? Answer(*found) : "no such key";
    }
    if (!collection.is(Kind::list)) return no_such_overload(Function::index, collection, at);
    if (!at.is_number()) return "invalid_argument: an index of a list must be a whole number";
    const auto i = to_index(at);
    const List& list = collection.as_list();
    if (!i || *i >= list.size())
        return "invalid_argument: the index is out of bounds of a list of " + std::to_string(list.size());
    return list[static_cast<std::size_t>(*i)];
}

std::optional<Answer> size(const Value& v, Budget& budget) {
    const auto answer = [](std::size_t n) { return Answer(Value::integer(static_cast<std::int64_t>(n))); };
    switch (v.kind()) {
        case Kind::string:
            if (!budget.spend(v.text().size() / kBytesPerUnit)) return std::nullopt;
            return answer(code_points(v.text()));
        case Kind::bytes:
            return answer(v.text().size());
        case Kind::list:
            return answer(v.as_list().size());
        case Kind::map:
            return answer(v.as_map().size());
        default:
            return no_such_overload("size", v);
    }
}

std::optional<Answer> search(Function function, const Value& text, const Value& part, Budget& budget) {
    if (!text.is(Kind::string) || !part.is(Kind::string)) return no_such_overload(function, text, part);
    if (function != Function::contains && !budget.spend(part.text().size() / kBytesPerUnit)) return std::nullopt;
    if (function == Function::starts_with) return Value::boolean(text.text().starts_with(part.text()));
    if (function == Function::ends_with) return Value::boolean(text.text().ends_with(part.text()));
    // The search of a string_view may look at each byte of the part at each byte of the text.
    if (!budget.spend(text.text().size() * (part.text().size() + 1) / (8 * kBytesPerUnit))) return std::nullopt;
    return Value::boolean(text.text().find(part.text()) != std::string_view::npos);
}

std::optional<Answer> conversion(Function function, const Value& v, Budget& budget) {
    const bool text = v.is(Kind::string) || v.is(Kind::bytes);
    if (text && !budget.spend(v.text().size() / kBytesPerUnit)) return std::nullopt;
    return convert(function, v);
}

std::optional<Answer> call_unary(Function function, const Value& v, Budget& budget) {
    switch (function) {
        case Function::negate:
            return negate(v);
        case Function::logical_not:
            if (!v.is(Kind::boolean)) return no_such_overload("!", v);
            return Value::boolean(!v.as_boolean());
        case Function::size:
            return size(v, budget);
        case Function::to_bool:
        case Function::to_bytes:
        case Function::to_double:
        case Function::to_dyn:
        case Function::to_int:
        case Function::to_string:
        case Function::to_uint:
            return conversion(function, v, budget);
        default:
            return "no such overload: '" + std::string(function_name(function)) + "' of one argument";
    }
}

std::optional<Answer> call_binary(Function function, const Value& a, const Value& b, Budget& budget) {
    switch (function) {
        case Function::add:
        case Function::subtract:
        case Function::multiply:
        case Function::divide:
        case Function::modulo:
            return arithmetic(function, a, b, budget);
        case Function::equals:
        case Function::not_equals: {
            const auto same = equal(a, b, budget);
            if (!same) return std::nullopt;
            return Value::boolean(*same == (function == Function::equals));
        }
        case Function::less:
        case Function::less_or_equal:
        case Function::greater:
        case Function::greater_or_equal:
            return ordering(function, a, b, budget);
        case Function::in:
            return contains(a, b, budget);
        case Function::index:
            return index(a, b, budget);
        case Function::contains:
        case Function::starts_with:
        case Function::ends_with:
            return search(function, a, b, budget);
        default:
            return "no such overload: '" + std::string(function_name(function)) + "' of two arguments";
    }
}

}  // namespace

std::optional<Answer> call(Function function, const std::vector<Value>& arguments, Budget& budget) {
    if (arguments.size() == 1) return call_unary(function, arguments[0], budget);
    if (arguments.size() == 2) return call_binary(function, arguments[0], arguments[1], budget);
    return "no such overload: '" + std::string(function_name(function)) + "' of " + std::to_string(arguments.size()) +
           " arguments";
}

}  // namespace imgsrv::cel
