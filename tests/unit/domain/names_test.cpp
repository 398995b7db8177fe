#include "domain/names.h"

#include <catch2/catch.hpp>

#include "domain/catalogue.h"
#include "domain/digest.h"

using namespace imgsrv;
using namespace imgsrv::domain;

TEST_CASE("image names") {
    for (const char* good : {"a", "0", "debian-12", "my.image_x", "a--b"}) CHECK(check_image_name(good).ok());
    for (const char* bad : {"", "-a", ".a", "A", "a/b", "a b", "a\n", "ä", "a+"}) {
        INFO(bad);
        CHECK(check_image_name(bad).code() == Code::invalid_argument);
    }
    CHECK(check_image_name(std::string(128, 'a')).ok());
    const Status long_name = check_image_name(std::string(129, 'a'));
    CHECK(std::string(long_name.message()) == "image name has 129 characters, at most 128 are allowed");
}

TEST_CASE("versions, aliases and tokens allow more characters, each its own set") {
    CHECK(check_version_name("1.0+rc1:2-x").ok());
    CHECK_FALSE(check_version_name("+1").ok());
    CHECK_FALSE(check_version_name("1/2").ok());
    CHECK(check_alias_name("Latest-1_x.y").ok());
    CHECK_FALSE(check_alias_name("a+b").ok());
    CHECK_FALSE(check_alias_name(std::string(65, 'a')).ok());
    CHECK(check_token("variant", "gtk+3").ok());
    CHECK_FALSE(check_token("variant", "a:b").ok());
}

TEST_CASE("a refused name is quoted without control characters") {
    const Status status = check_image_name("bad\x1b[31mname");
    CHECK(std::string(status.message()).find('\x1b') == std::string::npos);
    CHECK(std::string(status.message()).find("must match") != std::string::npos);
}

TEST_CASE("media types") {
    for (const char* good : {"text/plain", "application/x-qemu-disk", "text/plain; charset=utf-8", "a/b+c"})
        CHECK(check_media_type("media_type", good).ok());
    for (const char* bad : {"", "text", "text/", "/plain", "text/pl ain", "text/plain\r\nX: y", "tex(t)/plain"}) {
        INFO(bad);
        CHECK_FALSE(check_media_type("media_type", bad).ok());
    }
}

TEST_CASE("text must be UTF-8 without control characters") {
    CHECK(check_text("description", "Grüße — \xF0\x9F\x98\x80\n\tok", 100).ok());
    for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\x01", "\x7F"})
        CHECK_FALSE(check_text("description", bad, 100).ok());
    CHECK_FALSE(check_text("description", "12345", 4).ok());
}

TEST_CASE("digests") {
    const std::string hex(64, 'a');
    auto digest = Digest::parse("d", "sha256:" + hex);
    REQUIRE(digest.ok());
    CHECK(digest->hex() == hex);
    CHECK(*digest == Digest::from_hex(hex));
    CHECK_FALSE(Digest::parse("d", hex).ok());
    CHECK_FALSE(Digest::parse("d", "sha256:" + std::string(64, 'A')).ok());
    CHECK_FALSE(Digest::parse("d", "sha512:" + hex).ok());
    const auto short_one = Digest::parse("expected_digest", "sha256:abc");
    CHECK(std::string(short_one.status().message()).find("expected_digest") == 0);
    CHECK(std::string(short_one.status().message()).find("3 characters") != std::string::npos);
}

TEST_CASE("formats and editable states") {
    CHECK(check_format("unified.tar.gz").ok());
    CHECK_FALSE(check_format("vmdk").ok());
    Version v;
    v.version = "1";
    CHECK(check_editable("img", v).ok());
    v.state = VersionState::publishing;
    CHECK(check_editable("img", v).code() == Code::failed_precondition);
}
