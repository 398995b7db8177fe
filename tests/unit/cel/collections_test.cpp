#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("indexes of lists are whole numbers in bounds") {
    CHECK(result("[7, 8, 9][1]") == "8");
    CHECK(result("[7, 8][dyn(1u)]") == "8");
    CHECK(result("[7, 8][dyn(1.0)]") == "8");
    CHECK(result("[7, 8][2]") == "error: invalid_argument: the index is out of bounds of a list of 2");
    CHECK(result("[7, 8][-1]") == "error: invalid_argument: the index is out of bounds of a list of 2");
    CHECK(result("[7, 8][dyn(0.5)]") == "error: invalid_argument: the index is out of bounds of a list of 2");
    CHECK(result("[7, 8][dyn('a')]") == "error: invalid_argument: an index of a list must be a whole number");
}

TEST_CASE("a map is asked by key; an int, a uint and a whole double are one key") {
    CHECK(result("{'a': 1, 'b': 2}['b']") == "2");
    CHECK(result("{1: 'one'}[dyn(1u)]") == "'one'");
    CHECK(result("{1u: 'one'}[dyn(1.0)]") == "'one'");
    CHECK(result("{1: 'one'}[dyn(1.5)]") == "error: no such key");
    CHECK(result("{'a': 1}['c']") == "error: no such key");
    CHECK(result("{true: 1, false: 2}[false]") == "2");
    CHECK(unchecked("{1: 1}[[]]") == "error: no such key");
    CHECK(unchecked("5['a']") == "error: no such overload: int [] string");
}

TEST_CASE("keys of a map are of four types and stand once") {
    CHECK(unchecked("{1.0: 1}") == "error: unsupported key type: double");
    CHECK(unchecked("{null: 1}") == "error: unsupported key type: null_type");
    CHECK(result("{'a': 1, 'a': 2}") == "error: Failed with repeated key");
    CHECK(result("{1: 1, 1u: 2}") == "error: Failed with repeated key");
    CHECK(result("{1: 1, 2u: 2, 'a': 3, true: 4}") == "{true: 4, 1: 1, 2u: 2, 'a': 3}");
    CHECK(result("{'a': 1,}") == "{'a': 1}");
    CHECK(result("[1, 2,]") == "[1, 2]");
}

TEST_CASE("fields of maps, and has()") {
    CHECK(result("{'a': {'b': 1}}.a.b") == "1");
    CHECK(result("has({'a': 1}.a)") == "true");
    CHECK(result("has({'a': 1}.b)") == "false");
    CHECK(result("has({'a': {}}.a.b)") == "false");
    CHECK(result("has(claims.a.b)", claims({})) == "error: no such key: 'a'");
    CHECK(complaint("has(claims)") == "1:1 has() takes a field, such as has(claims.sub)");
    CHECK(complaint("has(claims['a'])") == "1:1 has() takes a field, such as has(claims.sub)");
    CHECK(unchecked("[1].a") == "error: a value of the type list does not support field selection");
}

TEST_CASE("in looks for an element of a list or a key of a map") {
    CHECK(result("2 in [1, 2]") == "true");
    CHECK(result("dyn(2.0) in [1, 2]") == "true");
    CHECK(result("'a' in {'a': 1}") == "true");
    CHECK(result("dyn(1.0) in {1: 'x'}") == "true");
    CHECK(result("[1] in [[1], [2]]") == "true");
    CHECK(unchecked("1 in 'abc'") == "error: no such overload: int in string");
}

TEST_CASE("lists and maps are equal by their elements") {
    CHECK(result("[1, [2, 3]] == [1, [2, 3]]") == "true");
    CHECK(result("[1, 2] == [2, 1]") == "false");
    CHECK(result("[dyn(1), 2.0] == [1.0, dyn(2u)]") == "true");
    CHECK(result("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}") == "true");
    CHECK(result("{'a': 1} == {'a': 2}") == "false");
    CHECK(result("{'a': 1} == {'b': 1}") == "false");
    CHECK(result("dyn({}) == []") == "false");
    CHECK(result("[0.0 / 0.0] == [0.0 / 0.0]") == "false");
    CHECK(result("dyn(null) == 0") == "false");
    CHECK(result("null == null") == "true");
}

TEST_CASE("sizes and sums of lists") {
    CHECK(result("size([1, 2]) + [3].size() + size({'a': 1})") == "4");
    CHECK(result("[1] + [2, 3]") == "[1, 2, 3]");
    CHECK(result("[] + []") == "[]");
}

TEST_CASE("claims as a token has them") {
    const auto bound =
        claims(map_of({{Value::string("groups"), Value::list({Value::string("ci"), Value::string("dev")})},
                       {Value::string("https://example.org/env"), Value::string("prod")},
                       {Value::string("nested"), Value::map(map_of({{Value::string("n"), Value::integer(3)}}))}}));
    CHECK(result("'ci' in claims.groups && claims['https://example.org/env'] == 'prod'", bound) == "true");
    CHECK(result("claims.nested.n > 2.5", bound) == "true");
    CHECK(result("claims.groups.exists(g, g.startsWith('d'))", bound) == "true");
    CHECK(result("has(claims.admin) && claims.admin", bound) == "false");
    CHECK(result("claims.admin || true", bound) == "true");
}
