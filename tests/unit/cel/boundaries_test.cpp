#include <catch2/catch.hpp>

#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

namespace {

std::string repeat(const std::string& text, std::size_t n) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += text;
    return all;
}

std::string outcome(const std::string& expression, const Limits& limits = {}) {
    const auto program = Program::parse(expression, limits);
    if (!program.ok()) return program.error().message;
    const auto value = program->evaluate({});
    return value.ok() ? "a value" : value.error().message;
}

const std::string kDeep = "the expression is nested too deeply; the limit is 128 levels";
const std::string kCostly = "the evaluation costs too much; the limit is 100000 units";

}  // namespace

TEST_CASE("what the specification wants to be possible is possible") {
    CHECK(outcome(repeat("(", 32) + "7" + repeat(")", 32)) == "a value");
    CHECK(outcome(repeat("!", 32) + "true") == "a value");
    CHECK(outcome(repeat("-", 32) + "1") == "a value");
    CHECK(outcome("1" + repeat(" + 1", 100)) == "a value");
    CHECK(outcome(repeat("true ? true : ", 24) + "true") == "a value");
    CHECK(outcome("false" + repeat(" || false && true", 200)) == "a value");
    CHECK(outcome(repeat("[", 100) + repeat("]", 100)) == "a value");
}

TEST_CASE("nesting has a limit whatever nests") {
    for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{{"(", ")"},
                                                                                      {"[", "]"},
                                                                                      {"{1:", "}"},
                                                                                      {"size(", ")"},
                                                                                      {"[0][", "]"},
                                                                                      {"true ? 1 : ", ""},
                                                                                      {"1 + (", ")"}}) {
        CAPTURE(open);
        CHECK(outcome(repeat(open, 600) + "1" + repeat(close, 600)) == kDeep);
        CHECK(outcome(repeat(open, 600)) == kDeep);
    }
    CHECK(outcome(repeat("!", 600) + "true") == kDeep);
    CHECK(outcome(repeat("-", 600) + "1") == kDeep);
    CHECK(outcome("1" + repeat("+1", 600)) == kDeep);
    CHECK(outcome("a" + repeat(".a", 600)) == kDeep);
    CHECK(outcome("a" + repeat(".a()", 600)) == kDeep);
    CHECK(outcome("a" + repeat("[0]", 600)) == kDeep);
}

TEST_CASE("length and parts have a limit") {
    CHECK(outcome(std::string(8193, ' ')) == "the expression has 8193 bytes; the limit is 8192");
    CHECK(outcome("[" + repeat("1,", 4090) + "1]") == "a value");
    Limits small;
    small.nodes = 10;
    CHECK(outcome("[" + repeat("1,", 10) + "1]", small) == "the expression has too many parts; the limit is 10");
}

TEST_CASE("macros within one another have a limit; one after the other they have none") {
    const std::string four = "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))";
    CHECK(outcome(four) == "macros are nested too deeply; the limit is 3");
    CHECK(outcome("[1].all(a, [1].all(b, [1].all(c, true)))") == "a value");
    CHECK(outcome("[1]" + repeat(".map(x, x + 1)", 20)) == "a value");
}

TEST_CASE("no evaluation costs more than the budget") {
    const std::string ten = "[0,1,2,3,4,5,6,7,8,9]";
    const std::string hundred = "(" + ten + repeat(" + " + ten, 9) + ")";
    CHECK(outcome(hundred + ".all(a, " + hundred + ".all(b, " + hundred + ".all(c, true)))") == kCostly);
    // Doubling, which makes a value that is small in memory and huge as a tree.
    CHECK(outcome("[[0]]" + repeat(".map(x, [x, x])", 30) + " == [[0]]" + repeat(".map(x, [x, x])", 30)) == kCostly);
    CHECK(outcome("['" + std::string(100, 'a') + "']" + repeat(".map(s, s + s)", 20)) == kCostly);
    CHECK(outcome("[[1]]" + repeat(".map(l, l + l)", 20)) == kCostly);
    CHECK(outcome(hundred + ".all(a, 'a'.matches('(' + string(a) + '{50})*'))") == kCostly);
    const std::string text = "'" + std::string(3000, 'a') + "'";
    CHECK(outcome("(" + text + "+" + text + ").matches('(a?){500}b')") == kCostly);
}

TEST_CASE("long texts cost by their length wherever they are looked at") {
    const std::string text = "'" + std::string(3200, 'a') + "'";  // 100 units
    Limits small;
    small.cost = 80;
    for (const char* look : {"x == x", "x <= x", "x.startsWith(x)", "x.endsWith(x)", "x.contains(x)", "x in [x]",
                             "size({x: 1}) == 1", "x in {x: 1}", "{x: 1}[x] == 1", "size(x) > 0", "size(x + '') > 0"}) {
        const std::string expression = "[" + text + "].all(x, " + look + ")";
        CAPTURE(look);
        CHECK(outcome(expression, small) == "the evaluation costs too much; the limit is 80 units");
        CHECK(outcome(expression) == "a value");
    }
    // Many keys that only differ at their end are compared while they are sorted.
    std::string keys;
    for (int i = 0; i < 100; ++i) keys += (i > 0 ? ", x + '" : "x + '") + std::to_string(i) + "': 0";
    small.cost = 50'000;
    CHECK(outcome("[" + text + "].all(x, size({" + keys + "}) == 100)", small) ==
          "the evaluation costs too much; the limit is 50000 units");
}

TEST_CASE("a pattern that is no literal costs its compilation each time") {
    const Declarations none;
    Limits small;
    small.cost = 10'000;
    const auto literal = Program::compile("'aaa'.matches('a{3}')", none, small);
    REQUIRE(literal.ok());
    CHECK(literal->evaluate({}).ok());
    CHECK(outcome("'aaa'.matches('a{' + '3}')", small) == "the evaluation costs too much; the limit is 10000 units");
    small.cost = 12'000;
    CHECK(outcome("'aaa'.matches('a{' + '3}')", small) == "a value");
    // A few bytes of pattern that take milliseconds to compile.
    CHECK(outcome("[1,2,3,4,5,6,7,8,9].all(x, !'a'.matches(string(x) + r'\\pL{1000}'))") == kCostly);
}

TEST_CASE("an exhausted budget is absorbed by nothing") {
    Limits small;
    small.cost = 20;
    const std::string walk = "[1, 2, 3, 4, 5, 6, 7, 8].all(x, x > 0)";
    CHECK(outcome(walk + " || true", small) == "the evaluation costs too much; the limit is 20 units");
    CHECK(outcome("[1].exists(x, " + walk + ") || true", small) ==
          "the evaluation costs too much; the limit is 20 units");
}

TEST_CASE("patterns have a limit in number and length") {
    CHECK(complaint("claims.a.matches('" + std::string(1025, 'a') + "')") ==
          "1:18 a regular expression of 1025 bytes; the limit is 1024");
    const std::string one = "claims.a.matches('a')";
    CHECK(complaint(one + repeat(" && " + one, 31)) == "");
    CHECK(complaint(one + repeat(" && " + one, 32)).ends_with("too many regular expressions; the limit is 32"));
}
