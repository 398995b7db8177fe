#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("all and exists are && and || over the elements, errors included") {
    CHECK(result("[1, 2, 3].all(x, x > 0)") == "true");
    CHECK(result("[1, 2, 3].all(x, x > 1)") == "false");
    CHECK(result("[].all(x, x)") == "true");
    CHECK(result("[].exists(x, x)") == "false");
    CHECK(result("[0, 2].all(x, 1 / x > 1)") == "false");
    CHECK(result("[0, 1].all(x, 1 / x > 0)") == "error: division by zero");
    CHECK(result("[0, 1].exists(x, 1 / x > 0)") == "true");
    CHECK(result("[0, 2].exists(x, 1 / x > 5)") == "error: division by zero");
    CHECK(result("{'a': 1, 'b': 2}.all(k, k < 'c')") == "true");
}

TEST_CASE("exists_one counts, and absorbs no error") {
    CHECK(result("[1, 2, 2].exists_one(x, x == 1)") == "true");
    CHECK(result("[1, 2, 2].exists_one(x, x == 2)") == "false");
    CHECK(result("[].exists_one(x, true)") == "false");
    CHECK(result("[1, 0].exists_one(x, 1 / x == 1)") == "error: division by zero");
}

TEST_CASE("map and filter make lists") {
    CHECK(result("[1, 2, 3].map(x, x * x)") == "[1, 4, 9]");
    CHECK(result("[1, 2, 3].map(x, x > 1, x * 10)") == "[20, 30]");
    CHECK(result("[1, 2, 3].filter(x, x % 2 == 1)") == "[1, 3]");
    CHECK(result("{'b': 1, 'a': 2}.map(k, k + '!')") == "['a!', 'b!']");
    CHECK(result("[1, 0].map(x, 1 / x)") == "error: division by zero");
}

TEST_CASE("the element hides what has its name, and only there") {
    CHECK(result("[1, 2].map(x, [x, 5].map(x, x + 1))") == "[[2, 6], [3, 6]]");
    CHECK(result("[1, 2].map(claims, claims * 2)", claims({})) == "[2, 4]");
    CHECK(complaint("[1].all(x, true) && x == 1") == "1:21 undeclared reference to 'x'");
    CHECK(complaint("x.all(x, true)") == "1:1 undeclared reference to 'x'");
}

TEST_CASE("a macro's element must be a plain name") {
    CHECK(complaint("[1].all(x.y, true)") == "1:11 the first argument of this macro must be a name for the element");
    CHECK(complaint("[1].all(1, true)") == "1:9 the first argument of this macro must be a name for the element");
    CHECK(complaint("[1].all(.x, true)") == "1:10 the first argument of this macro must be a name for the element");
}

TEST_CASE("with other numbers of arguments a macro's name is a function's") {
    CHECK(complaint("[1].all(x)") == "1:9 undeclared reference to 'x'");
    CHECK(unchecked("[1].all(1, 2, 3)") == "error: unbound function 'all'");
    CHECK(unchecked("has()") == "error: unbound function 'has'");
    CHECK(unchecked("1.map(x, x)") == "error: no such overload: only a list or a map can be iterated over, not int");
}
