// X-Forwarded-For is believed only as far as trust-proxy (false, true, or a number of hops) allows.
#include "http/client_address.h"

#include <catch2/catch.hpp>
#include <climits>

using namespace imgsrv::http;

namespace {

constexpr unsigned kAll = UINT_MAX;

std::string of(std::string_view forwarded, unsigned hops) {
    return client_address("10.0.0.1", forwarded, hops);
}

}  // namespace

TEST_CASE("without trust the peer is the client") {
    CHECK(of("192.0.2.7", 0) == "10.0.0.1");
    CHECK(of("", 0) == "10.0.0.1");
}

TEST_CASE("hops are counted from the right") {
    CHECK(of("", 1) == "10.0.0.1");
    CHECK(of("192.0.2.7", 1) == "192.0.2.7");
    CHECK(of("6.6.6.6, 192.0.2.7", 1) == "192.0.2.7");
    CHECK(of("6.6.6.6, 192.0.2.7, 10.1.1.1", 2) == "192.0.2.7");
    CHECK(of("192.0.2.7", 2) == "192.0.2.7");
    CHECK(of("192.0.2.7, 10.2.2.2, 10.1.1.1", kAll) == "192.0.2.7");
}

TEST_CASE("addresses in the forms that proxies write") {
    CHECK(of("192.0.2.7:4711", 1) == "192.0.2.7");
    CHECK(of("2001:DB8:0:0::1", 1) == "2001:db8::1");
    CHECK(of("[2001:db8::1]", 1) == "2001:db8::1");
    CHECK(of("[2001:db8::1]:443", 1) == "2001:db8::1");
    CHECK(of("::ffff:192.0.2.7", 1) == "192.0.2.7");
    CHECK(of("\t192.0.2.7 ", 1) == "192.0.2.7");
    CHECK(of("192.0.2.7,, ,", 1) == "192.0.2.7");
}

TEST_CASE("an entry that is not an address ends the reading") {
    for (const char* garbage : {"unknown",  "_hidden",   "example.org",   "1.2.3",     "1.2.3.4.5",     "256.1.1.1",
                                "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "[1.2.3.4]", "[::1",          "::1]",
                                "[::1]x",   "[::1]:",    "fe80::1%eth0",  "\"::1\"",   "for=192.0.2.1", "1.2.3.4 5",
                                ":",        "-1"}) {
        CHECK(of(garbage, 1) == "10.0.0.1");
        CHECK(of(garbage, kAll) == "10.0.0.1");
        CHECK(of("6.6.6.6, " + std::string(garbage) + ", 192.0.2.7", kAll) == "192.0.2.7");
    }
    CHECK(of(std::string("1.2.3.4\0", 8), 1) == "10.0.0.1");
    CHECK(of(std::string(100'000, ','), kAll) == "10.0.0.1");
    CHECK(of(std::string(100'000, '1'), kAll) == "10.0.0.1");
}

TEST_CASE("clients are told apart by IPv4 address and by IPv6 /64") {
    const auto network = [](std::string_view text) { return std::string(IpAddress::parse(text).value().network()); };
    CHECK(network("192.0.2.7") != network("192.0.2.8"));
    CHECK(network("2001:db8:1:2::1") == network("2001:db8:1:2:ffff::9"));
    CHECK(network("2001:db8:1:2::1") != network("2001:db8:1:3::1"));
    CHECK(network("::ffff:192.0.2.7") == network("192.0.2.7"));
}
