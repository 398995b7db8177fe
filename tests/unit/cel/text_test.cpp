#include <catch2/catch.hpp>

#include "cel/utf8.h"
#include "evaluation.h"

using namespace imgsrv::cel;
using namespace imgsrv::cel::test;

TEST_CASE("size counts characters of strings and bytes of bytes") {
    CHECK(result("size('häßlich')") == "7");
    CHECK(result("'\\U0001f600'.size()") == "1");
    CHECK(result("size(bytes('häßlich'))") == "9");
}

TEST_CASE("strings compare by code points") {
    CHECK(result("'a' < 'b' && 'Z' < 'a' && 'z' < 'ä' && 'ab' > 'a'") == "true");
    CHECK(result("b'\\xff' > b'a'") == "true");
    CHECK(result("'\\uffff' < '\\U00010000'") == "true");
    CHECK(result("dyn('a') == b'a'") == "false");
}

TEST_CASE("parts of strings") {
    CHECK(result("'refs/heads/main'.startsWith('refs/heads/')") == "true");
    CHECK(result("'refs/heads/main'.endsWith('/main')") == "true");
    CHECK(result("'refs/heads/main'.contains('heads')") == "true");
    CHECK(result("'abc'.contains('')") == "true");
    CHECK(unchecked("'abc'.contains(1)") == "error: no such overload: string contains int");
    CHECK(result("'a' + 'ä' + ''") == "'aä'");
    CHECK(result("b'a' + b'\\x00' == b'a\\x00'") == "true");
}

TEST_CASE("matches finds the pattern anywhere") {
    CHECK(result("'refs/tags/v1.2'.matches('^refs/tags/v[0-9.]+$')") == "true");
    CHECK(result("matches('xay', 'a')") == "true");
    CHECK(result("'xay'.matches('^a')") == "false");
    CHECK(result("'mañana'.matches('^.{6}$')") == "true");
    CHECK(result("'abc'.matches(dyn('b' + 'c'))") == "true");
    CHECK(result("'abc'.matches('(' + '')") == "error: this is not a regular expression: missing ): (");
    CHECK(unchecked("'abc'.matches(1)") == "error: no such overload: 'matches' takes two strings");
}

TEST_CASE("text that is not UTF-8 is no expression") {
    CHECK(complaint("'\xff'") == "1:1 the expression is not valid UTF-8");
    CHECK(is_utf8("häßlich \xf0\x9f\x98\x80"));
    for (const char* bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80",
                            "\xc3", "\xe2\x82", "\xf0\x9f\x98", "a\xc3z"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_utf8(bad));
    }
}
