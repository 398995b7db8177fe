#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("an operand that decides absorbs the errors of the others, on either side") {
    CHECK(result("false && 1 / 0 > 0") == "false");
    CHECK(result("1 / 0 > 0 && false") == "false");
    CHECK(result("true || 1 / 0 > 0") == "true");
    CHECK(result("1 / 0 > 0 || true") == "true");
    CHECK(result("1 / 0 > 0 || false || true") == "true");
    CHECK(result("1 / 0 > 0 && true && false") == "false");
}

TEST_CASE("an error that nothing absorbs is the result") {
    CHECK(result("true && 1 / 0 > 0") == "error: division by zero");
    CHECK(result("1 / 0 > 0 && true") == "error: division by zero");
    CHECK(result("false || 1 % 0 > 0") == "error: modulus by zero");
    CHECK(result("1 / 0 > 0 || 1 % 0 > 0") == "error: division by zero");
    CHECK(result("!(1 / 0 > 0)") == "error: division by zero");
}

TEST_CASE("an operand that is no bool is an error like any other") {
    CHECK(unchecked("'a' && false") == "false");
    CHECK(unchecked("'a' || true") == "true");
    CHECK(unchecked("'a' && true") == "error: no such overload: expected bool and found string");
    CHECK(unchecked("1 || 'b'") == "error: no such overload: expected bool and found int");
    CHECK(unchecked("null ? 1 : 2") == "error: no such overload: expected bool and found null_type");
}

TEST_CASE("only the chosen branch of a conditional is evaluated") {
    CHECK(result("true ? 1 : 1 / 0") == "1");
    CHECK(result("false ? 1 / 0 : 2") == "2");
    CHECK(result("1 / 0 > 0 ? 1 : 2") == "error: division by zero");
    CHECK(result("false ? 1 : true ? 2 : 3") == "2");
    CHECK(result("(true ? false : true) ? 1 : 2") == "2");
}

TEST_CASE("precedence: unary, then products, sums, comparisons, and, or, conditional") {
    CHECK(result("1 + 2 * 3 == 7 && !false || 1 / 0 > 0") == "true");
    CHECK(result("10 - 4 - 3") == "3");
    CHECK(result("100 / 10 / 5") == "2");
    CHECK(result("true || false && false") == "true");
    CHECK(result("false && true || true") == "true");
    CHECK(result("1 < 2 == true") == "true");
    CHECK(result("-2 + 3") == "1");
    CHECK(result("2 - -3") == "5");
    CHECK(result("!true == false") == "true");
}

TEST_CASE("chains of && and || keep their grouping") {
    CHECK(result("false || true && true || false") == "true");
    CHECK(result("(false || true) && (false || false)") == "false");
    CHECK(result("true && (false || true) && true") == "true");
    CHECK(result("false && false || false && true || true && true") == "true");
}
