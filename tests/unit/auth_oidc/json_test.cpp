#include "json.h"

#include <catch2/catch.hpp>

using namespace imgsrv::oidc;

namespace {

std::string nested(std::size_t levels) {
    return std::string(R"({"a":)") + std::string(levels, '[') + std::string(levels, ']') + "}";
}

}  // namespace

TEST_CASE("an object is read") {
    const auto json = parse_object(R"( {"a": "x", "b": [1, {"a": 2}], "c": {"a": 3}} )");
    REQUIRE(json);
    CHECK(*find_string(*json, "a") == "x");
    CHECK(find_string(*json, "b") == nullptr);
    CHECK(find_string(*json, "z") == nullptr);
    CHECK((*json)["b"][1]["a"] == 2);
}

TEST_CASE("what is no sound object is refused") {
    for (const char* text : {"", "1", "[]", "null", "{", "{}x", "{} {}", R"({"a":1,})", "{'a':1}", R"({"a":01})",
                             "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}", R"({"a":NaN})", R"({"a":1e999})"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_object(text));
    }
}

TEST_CASE("no object may have a member twice") {
    CHECK_FALSE(parse_object(R"({"a":1,"a":1})"));
    CHECK_FALSE(parse_object(R"({"a":1,"\u0061":2})"));
    CHECK_FALSE(parse_object(R"({"x":[{"a":1,"b":2,"a":3}]})"));
    CHECK(parse_object(R"({"a":{"a":1},"b":{"a":1}})"));
}

TEST_CASE("nesting has a limit") {
    CHECK(parse_object(nested(14)));
    CHECK_FALSE(parse_object(nested(16)));
    CHECK_FALSE(parse_object(nested(500'000)));
}
