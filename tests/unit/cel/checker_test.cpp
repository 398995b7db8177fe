#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("the checker knows the type of an expression") {
    CHECK(type("1 + 2") == "int");
    CHECK(type("1.0 / 2.0") == "double");
    CHECK(type("'a' + 'b'") == "string");
    CHECK(type("[1, 2]") == "list(int)");
    CHECK(type("[1, 'a']") == "list(dyn)");
    CHECK(type("{'a': [1.5]}") == "map(string, list(double))");
    CHECK(type("{'a': 1}.a") == "int");
    CHECK(type("claims") == "map(string, dyn)");
    CHECK(type("claims.a.b['c']") == "dyn");
    CHECK(type("claims.a == 'x'") == "bool");
    CHECK(type("claims.a + 1") == "int");
    CHECK(type("claims.a + claims.b") == "dyn");
    CHECK(type("has(claims.a) ? claims.a : 'none'") == "dyn");
    CHECK(type("[1, 2].map(x, string(x))") == "list(string)");
    CHECK(type("[1, 2].filter(x, x > 1)") == "list(int)");
    CHECK(type("{'a': 1}.exists(k, k == 'a')") == "bool");
    CHECK(type("[] + [1]") == "list(int)");
}

TEST_CASE("types that do not fit are refused before any evaluation") {
    CHECK(complaint("1 + 'a'") == "1:3 the operator '+' does not take (int, string)");
    CHECK(complaint("1 == 1.0") == "1:3 the operator '==' does not take (int, double)");
    CHECK(complaint("-1u") == "1:1 the operator '-' does not take (uint)");
    CHECK(complaint("!'a'") == "1:1 the operator '!' does not take (string)");
    CHECK(complaint("'a'.contains(1)") == "1:5 the function 'contains' does not take (string, int)");
    CHECK(complaint("size(1)") == "1:1 the function 'size' does not take (int)");
    CHECK(complaint("size('a', 'b')") == "1:1 the function 'size' does not take (string, string)");
    CHECK(complaint("true && 'a'") == "1:9 a side of '&&' must be a bool and is string");
    CHECK(complaint("1 ? true : false") == "1:1 the condition before '?' must be a bool and is int");
    CHECK(complaint("true ? 1 : 'a'") == "1:6 the branches of '?:' differ in type: int and string");
    CHECK(complaint("[1].all(x, x)") == "1:12 the macro's condition must be a bool and is int");
    CHECK(complaint("1.all(x, true)") == "1:3 only a list or a map can be iterated over, not int");
    CHECK(complaint("1 in ['a']") == "1:3 the operator 'in' does not take (int, list(string))");
    CHECK(complaint("[1]['a']") == "1:4 the operator '[]' does not take (list(int), string)");
    CHECK(complaint("{1.5: 1}") == "1:2 a key of a map cannot be double");
    CHECK(complaint("'a'.b") == "1:5 a value of the type string has no field 'b'");
    CHECK(complaint("{1: 2}.b") == "1:8 a map(int, int) has no fields");
}

TEST_CASE("names must be declared") {
    CHECK(complaint("claim.sub") == "1:1 undeclared reference to 'claim'");
    CHECK(complaint("lower(claims.a)") == "1:1 there is no function 'lower'");
    CHECK(complaint("claims.a.lower()") == "1:10 there is no function 'lower'");
    CHECK(complaint("contains('ab', 'a')") == "1:1 there is no function 'contains'");
}

TEST_CASE("a pattern that is a literal is checked with the rest") {
    CHECK(complaint("claims.a.matches('a(')") == "1:18 this is not a regular expression: missing ): a(");
    CHECK(complaint("matches(claims.a, '(?<=a)b')").starts_with("1:19 this is not a regular expression: "));
    CHECK(complaint("claims.a.matches('((a{100}){100}){100}')").starts_with("1:18 this is not a regular expression: "));
}

TEST_CASE("variables with dots are found before fields, locals before them") {
    const Declarations declared = {{"a.b", Type::Kind::integer}, {"a", Type()}};
    const auto run = [&](const char* expression) {
        const auto program = Program::compile(expression, declared);
        REQUIRE(program.ok());
        const auto value = program->evaluate(
            {{"a.b", Value::integer(1)}, {"a", Value::map(map_of({{Value::string("b"), Value::integer(2)}}))}});
        REQUIRE(value.ok());
        return value->is(Kind::boolean) && value->as_boolean();
    };
    CHECK(run("a.b == 1"));
    CHECK(run("a['b'] == 2"));
    CHECK(run("[{'b': 3}].all(a, a.b == 3)"));
    CHECK(run("[{'b': 3}].all(a, .a.b == 1 || true)"));
}
