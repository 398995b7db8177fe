#include "evaluation.h"

#include <sstream>

namespace imgsrv::cel::test {
namespace {

const Declarations kDeclared = {{"claims", Type::map(Type::Kind::string, Type())}};

std::string show(const Value& v) {
    std::ostringstream out;
    const char* comma = "";
    switch (v.kind()) {
        case Kind::null:
            return "null";
        case Kind::boolean:
            return v.as_boolean() ? "true" : "false";
        case Kind::integer:
            return std::to_string(v.as_integer());
        case Kind::uinteger:
            return std::to_string(v.as_uinteger()) + "u";
        case Kind::real:
            out << v.as_real();
            return out.str().find_first_of(".en") == std::string::npos ? out.str() + ".0" : out.str();
        case Kind::string:
            return "'" + std::string(v.text()) + "'";
        case Kind::bytes:
            return "b'" + std::string(v.text()) + "'";
        case Kind::list:
            out << "[";
            for (const Value& e : v.as_list()) out << std::exchange(comma, ", ") << show(e);
            return out.str() + "]";
        case Kind::map:
            out << "{";
            for (const auto& [key, value] : v.as_map().entries())
                out << std::exchange(comma, ", ") << show(key) << ": " << show(value);
            return out.str() + "}";
    }
    return "?";
}

std::string evaluate(const Result<Program>& program, const Bindings& bindings) {
    if (!program.ok()) return "compile error: " + program.error().message;
    const auto value = program->evaluate(bindings);
    return value.ok() ? show(*value) : "error: " + value.error().message;
}

}  // namespace

Bindings claims(Map map) {
    return {{"claims", Value::map(std::move(map))}};
}

Map map_of(std::vector<Map::Entry> entries) {
    return Map::of(std::move(entries)).value();
}

std::string result(const std::string& expression, const Bindings& bindings) {
    return evaluate(Program::compile(expression, kDeclared), bindings);
}

std::string unchecked(const std::string& expression, const Bindings& bindings) {
    return evaluate(Program::parse(expression), bindings);
}

std::string complaint(const std::string& expression, const Limits& limits) {
    const auto program = Program::compile(expression, kDeclared, limits);
    if (program.ok()) return "";
    const Error& e = program.error();
    return std::to_string(e.at.line) + ":" + std::to_string(e.at.column) + " " + e.message;
}

std::string type(const std::string& expression) {
    const auto program = Program::compile(expression, kDeclared);
    return program.ok() ? program->type().name() : program.error().message;
}

}  // namespace imgsrv::cel::test
