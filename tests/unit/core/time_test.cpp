#include "core/time.h"

#include <catch2/catch.hpp>

using namespace imgsrv;

TEST_CASE("RFC 3339 round trip") {
    for (const char* text : {"1970-01-01T00:00:00Z", "2026-02-28T23:59:59Z", "2026-01-02T03:04:05.250000Z"}) {
        auto t = parse_rfc3339(text);
        REQUIRE(t.ok());
        CHECK(format_rfc3339(*t) == text);
    }
    CHECK(format_rfc3339(*parse_rfc3339("2026-01-02T03:04:05.25+01:30")) == "2026-01-02T01:34:05.250000Z");
}

TEST_CASE("what is not RFC 3339 is refused") {
    for (const char* text :
         {"", "2026-01-02", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
          "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z", "2026-01-02T24:04:05Z", "2026-01-02T03:04:05+0130",
          "2026-01-02T03:04:05Zx", "9999-12-31T23:59:60Z", "9999-12-31T23:30:00-01:00", "0000-01-01T00:00:00+00:01"}) {
        INFO(text);
        CHECK_FALSE(parse_rfc3339(text).ok());
    }
}

TEST_CASE("HTTP dates round trip") {
    auto t = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
    REQUIRE(t.ok());
    CHECK(format_http_date(*t) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_FALSE(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT").ok());
    CHECK_FALSE(parse_http_date("Sun, 06 Xyz 1994 08:49:37 GMT").ok());
    CHECK_FALSE(parse_http_date("Fri, 31 Dec 9999 23:59:60 GMT").ok());
}
