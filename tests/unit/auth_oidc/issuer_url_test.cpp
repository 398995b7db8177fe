#include "issuer_url.h"

#include <catch2/catch.hpp>

using namespace imgsrv::oidc;

TEST_CASE("URLs that keys may come from") {
    for (const char* url :
         {"https://issuer.example.org", "https://issuer.example.org:8443/realms/ci", "http://127.0.0.1:9090",
          "http://127.1.2.3/x", "http://localhost:1", "http://[::1]:9090", "https://192.0.2.1"}) {
        CAPTURE(url);
        CHECK(url_complaint(url).empty());
    }
}

TEST_CASE("URLs that keys may not come from") {
    for (const char* url : {"",
                            "issuer",
                            "//issuer.example.org",
                            "http://issuer.example.org",
                            "http://192.0.2.1",
                            "http://127.0.0.1.example.org",
                            "http://localhost.example.org",
                            "http://[::2]",
                            "ftp://127.0.0.1",
                            "file:///etc/passwd",
                            "javascript:1",
                            "https://",
                            "https:///x",
                            "https://me@issuer.example.org",
                            "https://me:x@issuer.example.org",
                            "https://issuer.example.org?x",
                            "https://issuer.example.org#x",
                            "https://issuer.example.org/a b",
                            "https://issuer.example.org/\n",
                            "https://iss\xc3\xbc.example.org",
                            "http://127.0.0.1@issuer.example.org",
                            "http://0.0.0.0",
                            "http://127.0.0.1.5",
                            "http://127.0.0.1.",
                            "http://127.x"}) {
        CAPTURE(url);
        CHECK_FALSE(url_complaint(url).empty());
    }
    CHECK(url_complaint("https://x/" + std::string(1100, 'y')) == "the URL has 1110 bytes; the limit is 1024");
}

TEST_CASE("where keys may be, by the issuer that names them") {
    CHECK(key_url_complaint("https://keys.example.org/jwks?v=2", "https://issuer.example.org").empty());
    CHECK(key_url_complaint("http://127.0.0.1:1/jwks", "http://127.0.0.1:2").empty());
    CHECK_FALSE(key_url_complaint("http://127.0.0.1:1/jwks", "https://issuer.example.org").empty());
    CHECK_FALSE(key_url_complaint("https://127.0.0.1/jwks", "https://issuer.example.org").empty());
    CHECK_FALSE(key_url_complaint("https://localhost:8443/jwks", "https://issuer.example.org").empty());
    CHECK(key_url_complaint("https://localhost:8443/jwks", "https://localhost").empty());
    CHECK_FALSE(key_url_complaint("http://192.0.2.1/jwks", "http://127.0.0.1:2").empty());
    CHECK_FALSE(key_url_complaint("file:///etc/passwd", "https://issuer.example.org").empty());
}

TEST_CASE("where an issuer describes itself") {
    CHECK(discovery_url("https://i.example.org") == "https://i.example.org/.well-known/openid-configuration");
    CHECK(discovery_url("https://i.example.org/") == "https://i.example.org/.well-known/openid-configuration");
    CHECK(discovery_url("https://i.example.org/realms/ci") ==
          "https://i.example.org/realms/ci/.well-known/openid-configuration");
}
