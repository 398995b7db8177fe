#include "cel/functions.h"

#include <algorithm>
#include <array>

namespace imgsrv::cel {
namespace {

struct Named {
    std::string_view name;
    Function function;
    bool global;
    bool receiver;
};

// Operators have names that no call can have.
constexpr std::array<Named, 27> kNames = {{
    {"-_", Function::negate, false, false},
    {"!", Function::logical_not, false, false},
    {"+", Function::add, false, false},
    {"-", Function::subtract, false, false},
    {"*", Function::multiply, false, false},
    {"/", Function::divide, false, false},
    {"%", Function::modulo, false, false},
    {"==", Function::equals, false, false},
    {"!=", Function::not_equals, false, false},
    {"<", Function::less, false, false},
    {"<=", Function::less_or_equal, false, false},
    {">", Function::greater, false, false},
    {">=", Function::greater_or_equal, false, false},
    {"in", Function::in, false, false},
    {"[]", Function::index, false, false},
    {"size", Function::size, true, true},
    {"contains", Function::contains, false, true},
    {"startsWith", Function::starts_with, false, true},
    {"endsWith", Function::ends_with, false, true},
    {"matches", Function::matches, true, true},
    {"bool", Function::to_bool, true, false},
    {"bytes", Function::to_bytes, true, false},
    {"double", Function::to_double, true, false},
    {"dyn", Function::to_dyn, true, false},
    {"int", Function::to_int, true, false},
    {"string", Function::to_string, true, false},
    {"uint", Function::to_uint, true, false},
}};

constexpr std::array<std::string_view, 13> kLeftOut = {
    "duration",     "timestamp",    "type",        "getDate",  "getDayOfMonth",
    "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds",
    "getMinutes",   "getMonth",     "getSeconds"};

using K = Type::Kind;

void add_numbers(std::vector<Overload>& all) {
    for (const K k : {K::integer, K::uinteger, K::real})
        for (const Function f : {Function::add, Function::subtract, Function::multiply, Function::divide})
            all.push_back({f, {k, k}, k});
    for (const K k : {K::integer, K::uinteger}) all.push_back({Function::modulo, {k, k}, k});
    for (const K k : {K::integer, K::real}) all.push_back({Function::negate, {k}, k});
}

void add_comparisons(std::vector<Overload>& all) {
    const Type a = Type::parameter(0);
    for (const Function f : {Function::equals, Function::not_equals}) all.push_back({f, {a, a}, K::boolean});
    for (const Function f : {Function::less, Function::less_or_equal, Function::greater, Function::greater_or_equal}) {
        for (const K left : {K::integer, K::uinteger, K::real})
            for (const K right : {K::integer, K::uinteger, K::real}) all.push_back({f, {left, right}, K::boolean});
        for (const K k : {K::string, K::bytes, K::boolean}) all.push_back({f, {k, k}, K::boolean});
    }
}

void add_collections(std::vector<Overload>& all) {
    const Type a = Type::parameter(0);
    const Type b = Type::parameter(1);
    all.push_back({Function::add, {Type::list(a), Type::list(a)}, Type::list(a)});
    all.push_back({Function::in, {a, Type::list(a)}, K::boolean});
    all.push_back({Function::in, {a, Type::map(a, b)}, K::boolean});
    all.push_back({Function::index, {Type::list(a), K::integer}, a});
    all.push_back({Function::index, {Type::map(a, b), a}, b});
    for (const Type& t : {Type(K::string), Type(K::bytes), Type::list(a), Type::map(a, b)})
        all.push_back({Function::size, {t}, K::integer});
}

void add_text(std::vector<Overload>& all) {
    for (const K k : {K::string, K::bytes}) all.push_back({Function::add, {k, k}, k});
    for (const Function f : {Function::contains, Function::starts_with, Function::ends_with, Function::matches})
        all.push_back({f, {K::string, K::string}, K::boolean});
}

void add_conversions(std::vector<Overload>& all) {
    all.push_back({Function::to_dyn, {Type::parameter(0)}, K::dyn});
    for (const K k : {K::boolean, K::string}) all.push_back({Function::to_bool, {k}, K::boolean});
    for (const K k : {K::bytes, K::string}) all.push_back({Function::to_bytes, {k}, K::bytes});
    for (const K k : {K::integer, K::uinteger, K::real, K::string}) {
        all.push_back({Function::to_int, {k}, K::integer});
        all.push_back({Function::to_uint, {k}, K::uinteger});
        all.push_back({Function::to_double, {k}, K::real});
    }
    for (const K k : {K::boolean, K::integer, K::uinteger, K::real, K::string, K::bytes})
        all.push_back({Function::to_string, {k}, K::string});
}

}  // namespace

Function find_function(std::string_view name, bool receiver) {
    for (const Named& n : kNames)
        if (n.name == name && (receiver ? n.receiver : n.global)) return n.function;
    return Function::unknown;
}

std::string_view function_name(Function function) {
    if (function == Function::negate) return "-";
    for (const Named& n : kNames)
        if (n.function == function) return n.name;
    return "unknown";
}

bool is_left_out(std::string_view name) {
    return std::find(kLeftOut.begin(), kLeftOut.end(), name) != kLeftOut.end();
}

const std::vector<Overload>& overloads() {
    static const std::vector<Overload> kAll = [] {
        std::vector<Overload> all;
        add_numbers(all);
        add_comparisons(all);
        add_collections(all);
        add_text(all);
        add_conversions(all);
        all.push_back({Function::logical_not, {K::boolean}, K::boolean});
        return all;
    }();
    return kAll;
}

}  // namespace imgsrv::cel
