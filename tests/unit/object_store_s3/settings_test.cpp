#include "settings.h"

#include <catch2/catch.hpp>

using namespace imgsrv::s3;
using Catch::Contains;

namespace {

Address address(const char* endpoint, bool tls = true, bool path_style = true, const char* bucket = "images") {
    return parse_address(endpoint, bucket, "us-east-1", tls, path_style);
}

}  // namespace

TEST_CASE("an endpoint has a scheme, or use_tls decides") {
    CHECK(address("https://s3.example.org").url("a/b", "") == "https://s3.example.org/images/a/b");
    CHECK(address("http://s3.example.org:7480/").url("", "uploads=") == "http://s3.example.org:7480/images?uploads=");
    CHECK(address("s3.example.org:9000").url("a", "") == "https://s3.example.org:9000/images/a");
    CHECK(address("s3.example.org:9000", false).url("a", "") == "http://s3.example.org:9000/images/a");
    CHECK(address("http://S3.Example.ORG", true).host == "s3.example.org");
}

TEST_CASE("the scheme's own port does not stand in the header Host") {
    CHECK(address("https://s3.example.org:443").authority() == "s3.example.org");
    CHECK(address("http://s3.example.org:80").authority() == "s3.example.org");
    CHECK(address("https://s3.example.org:80").authority() == "s3.example.org:80");
    CHECK(address("http://[::1]:7480").authority() == "[::1]:7480");
}

TEST_CASE("a bucket stands in the path or before the host") {
    const auto virtual_host = address("https://s3.example.org:9000", true, false);
    CHECK(virtual_host.authority() == "images.s3.example.org:9000");
    CHECK(virtual_host.path("a b") == "/a%20b");
    CHECK(virtual_host.path("") == "/");
    CHECK(address("s3.example.org").path("") == "/images");
}

TEST_CASE("an address that cannot work names its option") {
    for (const char* endpoint : {"", "https://", "host:", "host:port", "host:123456", "a b", "http://h/path", "[::1"})
        CHECK_THROWS_WITH(address(endpoint), Contains("'endpoint'"));
    CHECK_THROWS_WITH(address("ftp://host"), Contains("ftp://"));
    CHECK_THROWS_WITH(address("host", true, true, "no"), Contains("'bucket'"));
    CHECK_THROWS_WITH(address("host", true, true, "a/b/c"), Contains("'bucket'"));
    CHECK_THROWS_WITH(address("127.0.0.1:9000", true, false), Contains("'path_style'"));
    CHECK_THROWS_WITH(parse_address("host", "images", "", true, true), Contains("'region'"));
}
