// Durations such as 500ms, 5s, 1m, 24h; sizes such as 64MiB.
#include "core/units.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

TEST_CASE("durations are read with their unit") {
    CHECK(*imgsrv::parse_duration("500ms") == 500ms);
    CHECK(*imgsrv::parse_duration("5m") == 5min);
    CHECK(*imgsrv::parse_duration("90d") == 24h * 90);
    CHECK(*imgsrv::parse_duration("0") == 0ms);
    // The longest can still be added to any clock's now.
    CHECK(std::chrono::nanoseconds(*imgsrv::parse_duration("36500d")) == 24h * 36500);
    for (const char* bad : {"", "5", "-1s", "1.5h", "5 m", "m", "5M", "99999999999999999999s", "9000000000000000000w",
                            "36501d", "10000000h"})
        CHECK(imgsrv::parse_duration(bad).status().code() == imgsrv::Code::invalid_argument);
}

TEST_CASE("sizes are read in powers of two and of ten") {
    CHECK(*imgsrv::parse_size("64MiB") == 67108864U);
    CHECK(*imgsrv::parse_size("5GB") == 5000000000U);
    CHECK(*imgsrv::parse_size("17") == 17U);
    for (const char* bad : {"", "MiB", "64mib", "64 MiB", "-1", "18446744073709551615", "9000000TiB"})
        CHECK(imgsrv::parse_size(bad).status().code() == imgsrv::Code::invalid_argument);
}

TEST_CASE("durations and sizes are shown in three figures") {
    CHECK(imgsrv::format_duration(840ms) == "840 ms");
    CHECK(imgsrv::format_duration(12345ms) == "12.3 s");
    CHECK(imgsrv::format_duration(245s) == "4m 05s");
    CHECK(imgsrv::format_duration(130min) == "2h 10m");
    CHECK(imgsrv::format_size(512) == "512 B");
    CHECK(imgsrv::format_size(1280) == "1.25 KiB");
    CHECK(imgsrv::format_size(64ULL << 20U) == "64.0 MiB");
    CHECK(imgsrv::format_size((1ULL << 30U) - 1) == "1.00 GiB");
}
