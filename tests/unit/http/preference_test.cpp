#include "http/preference.h"

#include <catch2/catch.hpp>

using imgsrv::http::Preferences;

TEST_CASE("a weighted list is read as in RFC 9110") {
    const Preferences wanted("gzip;q=0.8, BR , deflate;q=0, identity; x=1 ;Q=0.25,zstd;q=1.000");
    CHECK(wanted.quality("gzip") == 800);
    CHECK(wanted.quality("br") == 1000);
    CHECK(wanted.quality("deflate") == 0);
    CHECK(wanted.quality("identity") == 250);
    CHECK(wanted.quality("zstd") == 1000);
    CHECK_FALSE(wanted.quality("compress"));
}

TEST_CASE("the Accept field of Prometheus") {
    const Preferences wanted(
        "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
    CHECK(wanted.quality("application/openmetrics-text") == 750);
    CHECK(wanted.quality("text/plain") == 500);
    CHECK(wanted.quality("*/*") == 100);
}

TEST_CASE("malformed elements count as absent") {
    for (const char* field : {"", ",", ";", ";q=1", "gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=-1",
                              "gzip;q=0x1", "gzip;q=.5"}) {
        CAPTURE(field);
        CHECK_FALSE(Preferences(field).quality("gzip"));
    }
    CHECK(Preferences("a;q=9, gzip").quality("gzip") == 1000);
}
