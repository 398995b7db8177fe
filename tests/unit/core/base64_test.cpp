#include "core/base64.h"

#include <catch2/catch.hpp>

#include "core/hex.h"

using namespace imgsrv;

TEST_CASE("base64 with and without its padding") {
    CHECK(decode_base64("") == "");
    CHECK(decode_base64("Zg==") == "f");
    CHECK(decode_base64("Zg") == "f");
    CHECK(decode_base64("Zm8=") == "fo");
    CHECK(decode_base64("Zm9v") == "foo");
    CHECK(decode_base64("+/+/") == "\xfb\xff\xbf");
}

TEST_CASE("base64url has letters of its own and no padding") {
    CHECK(decode_base64url("-_-_") == "\xfb\xff\xbf");
    CHECK(encode_base64url("\xfb\xff\xbf") == "-_-_");
    CHECK(encode_base64url("") == "");
    CHECK(encode_base64url("f") == "Zg");
    CHECK(encode_base64url("fo") == "Zm8");
    for (const char* text : {"Zg==", "+/+/"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_base64url(text));
    }
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    CHECK(decode_base64url(encode_base64url(all)) == all);
}

TEST_CASE("each value has one form in base64") {
    for (const char* text :
         {"Z", "Zh", "Zh==", "Zm9", "Zm9vZ", "Z===", "Zm-v", "Zm_v", " Zm9v", "Zm 9v", "Zm9v\n", "!!!!"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_base64(text));
    }
}

TEST_CASE("hex has two digits for each byte") {
    CHECK(to_hex("") == "");
    CHECK(to_hex(std::string_view("\x00\x0f\xa0\xff", 4)) == "000fa0ff");
}
