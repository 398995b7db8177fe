#include "http/percent.h"

#include <catch2/catch.hpp>

using imgsrv::http::is_utf8;
using imgsrv::http::percent_decode;
using imgsrv::http::PlusIs;

TEST_CASE("percent-encoding is decoded byte by byte") {
    CHECK(percent_decode("plain") == "plain");
    CHECK(percent_decode("%41%62%2F%2f") == "Ab//");
    CHECK(percent_decode("%00") == std::string(1, '\0'));
    CHECK(percent_decode("a+b") == "a+b");
    CHECK(percent_decode("a+b%2B", PlusIs::space) == "a b+");
    CHECK(percent_decode("%2541") == "%41");  // once, not twice
}

TEST_CASE("broken percent-encoding is rejected") {
    for (const char* bad : {"%", "%4", "%4g", "%g4", "%%41", "abc%", "% 41", "%-1"}) {
        INFO(bad);
        CHECK_FALSE(percent_decode(bad));
    }
}

TEST_CASE("only well-formed UTF-8 passes") {
    for (const char* good :
         {"", "ascii", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
        CHECK(is_utf8(good));
    // Lone continuation, overlong forms, surrogate, beyond U+10FFFF, cut short.
    for (const char* bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\x80", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
                            "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xFF"})
        CHECK_FALSE(is_utf8(bad));
}
