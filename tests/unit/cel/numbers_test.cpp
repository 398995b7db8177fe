#include "cel/numbers.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("arithmetic of whole numbers that does not fit is an error") {
    const std::string overflow = "error: return error for overflow: the result does not fit into 64 bits";
    CHECK(result("9223372036854775807 + 1") == overflow);
    CHECK(result("-9223372036854775808 - 1") == overflow);
    CHECK(result("4611686018427387904 * 2") == overflow);
    CHECK(result("-9223372036854775808 / -1") == overflow);
    CHECK(result("-9223372036854775808 % -1") == overflow);
    CHECK(result("-(-9223372036854775808)") == overflow);
    CHECK(result("0u - 1u") == overflow);
    CHECK(result("18446744073709551615u + 1u") == overflow);
    CHECK(result("4294967296u * 4294967296u") == overflow);
    CHECK(result("1u / 0u") == "error: division by zero");
    CHECK(result("1 % 0") == "error: modulus by zero");
    CHECK(result("-7 / 2") == "-3");
    CHECK(result("-7 % 2") == "-1");
}

TEST_CASE("arithmetic of doubles is IEEE 754") {
    CHECK(result("1.0 / 0.0 > 1e300") == "true");
    CHECK(result("0.0 / 0.0 == 0.0 / 0.0") == "false");
    CHECK(result("0.0 / 0.0 != 0.0 / 0.0") == "true");
    CHECK(result("0.0 / 0.0 < 1.0 || 0.0 / 0.0 >= 1.0") == "false");
    CHECK(result("0.0 == -0.0") == "true");
    CHECK(unchecked("1.5 % 1.0") == "error: no such overload: double % double");
}

TEST_CASE("types do not mix in arithmetic") {
    CHECK(unchecked("1 + 1.0") == "error: no such overload: int + double");
    CHECK(unchecked("1 + 1u") == "error: no such overload: int + uint");
    CHECK(unchecked("-(1u)") == "error: no such overload: '-' of uint");
    CHECK(unchecked("true + true") == "error: no such overload: bool + bool");
    CHECK(unchecked("[1] - [1]") == "error: no such overload: list - list");
}

TEST_CASE("numbers of different types compare by value") {
    CHECK(result("1 < 1.5 && 2 > 1.5 && 1u <= 1 && 2.0 >= 2u") == "true");
    CHECK(result("dyn(1) == 1.0 && dyn(1u) == 1 && dyn(2.0) == 2u") == "true");
    CHECK(result("dyn(1) == 1.5") == "false");
    CHECK(result("-1 < 0u") == "true");
    CHECK(result("18446744073709551615u > 9223372036854775807") == "true");
    // A double cannot tell these apart; the comparison can.
    CHECK(result("9007199254740993 > 9007199254740992.0") == "true");
    CHECK(result("9223372036854775807 < 9223372036854775808.0") == "true");
    CHECK(result("18446744073709551615u < 18446744073709551616.0") == "true");
    CHECK(result("-9223372036854775808 == dyn(-9223372036854775808.0)") == "true");
    CHECK(result("dyn(0.0 / 0.0) == 1 || 1 < 0.0 / 0.0 || 1u > 0.0 / 0.0") == "false");
    CHECK(result("1 < 1.0 / 0.0 && 1u > -1.0 / 0.0") == "true");
}

TEST_CASE("the comparisons behind it") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK((compare(std::int64_t{-3}, -2.5) < 0));
    CHECK((compare(std::int64_t{-2}, -2.5) > 0));
    CHECK((compare(std::int64_t{0}, -0.0) == 0));
    CHECK((compare(std::int64_t{1}, nan) == std::partial_ordering::unordered));
    CHECK((compare(std::uint64_t{0}, -0.5) > 0));
    CHECK((compare(std::uint64_t{0}, 0.5) < 0));
    CHECK(to_int64(9223372036854775808.0) == std::nullopt);
    CHECK(to_int64(-9223372036854775808.0) == std::numeric_limits<std::int64_t>::min());
    CHECK(to_uint64(-0.5) == 0);
    CHECK(to_uint64(-1.0) == std::nullopt);
    CHECK(to_uint64(nan) == std::nullopt);
}

TEST_CASE("conversions between numbers keep the value or fail") {
    CHECK(result("int(1.9)") == "1");
    CHECK(result("int(-1.9)") == "-1");
    CHECK(result("int(9223372036854775808.0)") == "error: range error: the value does not fit into int");
    CHECK(result("int(18446744073709551615u)") == "error: range error: the value does not fit into int");
    CHECK(result("uint(-1)") == "error: range error: the value does not fit into uint");
    CHECK(result("uint(3.7)") == "3u");
    CHECK(result("int(0.0 / 0.0)") == "error: range error: the value does not fit into int");
    CHECK(result("double(3)") == "3.0");
    CHECK(result("double(18446744073709551615u)") == "1.84467e+19");
}

TEST_CASE("conversions from and to text") {
    CHECK(result("int('-42')") == "-42");
    CHECK(result("int('+42')") == "42");
    CHECK(result("int('4 2')") == "error: type conversion error: the string is no int");
    CHECK(result("int('')") == "error: type conversion error: the string is no int");
    CHECK(result("int('9223372036854775808')") == "error: type conversion error: the string is no int");
    CHECK(result("uint('42')") == "42u");
    CHECK(result("uint('-1')") == "error: type conversion error: the string is no uint");
    CHECK(result("double('1e3')") == "1000.0");
    CHECK(result("double('1,5')") == "error: type conversion error: the string is no double");
    CHECK(result("string(42) + string(7u) + string(1.5) + string(true)") == "'4271.5true'");
    CHECK(result("string(1.0 / 0.0)") == "'+Inf'");
    CHECK(result("bool('true') && !bool('0')") == "true");
    CHECK(result("bool('yes')") == "error: type conversion error: the string is no bool");
    CHECK(result("string(b'abc')") == "'abc'");
    CHECK(result("string(b'\\xff')") == "error: type conversion error: the bytes are not valid UTF-8");
    CHECK(result("bytes('ä') == b'\\xc3\\xa4'") == "true");
    CHECK(unchecked("string([1])") == "error: no such overload: 'string' of list");
}
