#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("a syntax error is told with its line and column") {
    CHECK(complaint("") == "1:1 expected a value and found the end");
    CHECK(complaint("1 +") == "1:4 expected a value and found the end");
    CHECK(complaint("claims.a ==\n  && true") == "2:3 expected a value and found '&&'");
    CHECK(complaint("(1 + 2") == "1:7 expected ')' and found the end");
    CHECK(complaint("[1, 2") == "1:6 expected ']' and found the end");
    CHECK(complaint("{'a' 1}") == "1:6 expected ':' and found '1'");
    CHECK(complaint("true ? 1") == "1:9 expected ':' and found the end");
    CHECK(complaint("1 2") == "1:3 expected the end of the expression and found '2'");
    CHECK(complaint("claims.") == "1:8 expected the name of a field and found the end");
    CHECK(complaint("claims.in") == "1:8 expected the name of a field and found 'in'");
    CHECK(complaint("size('a',)") == "1:10 expected a value and found ')'");
    CHECK(complaint("!-1") == "1:2 expected a value and found '-'");
}

TEST_CASE("reserved words are no names but may be fields") {
    CHECK(complaint("for") == "1:1 'for' is a reserved word");
    CHECK(complaint("in") == "1:1 'in' is a reserved word");
    CHECK(result("{'for': 1}.for") == "1");
    CHECK(result("{'content-type': 'x'}.`content-type`") == "'x'");
    CHECK(complaint("claims.`a$`") ==
          "1:8 this quoted name is unterminated, or has a character that is not allowed in one");
    CHECK(complaint("claims.``") == "1:8 a quoted name must not be empty");
}

TEST_CASE("what the library leaves out is named") {
    for (const char* expression : {"Message{}", "a.b.Message{field: 1}", "[?claims.a]", "{?'a': 1}", "claims.?a",
                                   "claims[?'a']", "timestamp('2024-01-01T00:00:00Z')", "type(1)"}) {
        CAPTURE(expression);
        const auto program = Program::parse(expression);
        REQUIRE_FALSE(program.ok());
        CHECK(program.error().kind == Error::Kind::unsupported);
    }
}

TEST_CASE("an evaluation error says where and why") {
    const auto program = Program::compile("true &&\n claims.missing == 1", {{"claims", Type()}});
    REQUIRE(program.ok());
    const auto value = program->evaluate(claims({}));
    REQUIRE_FALSE(value.ok());
    CHECK(value.error().describe() == "line 2, column 9: no such key: 'missing'");
}
