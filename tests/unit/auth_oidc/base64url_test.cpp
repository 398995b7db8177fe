#include "base64url.h"

#include <catch2/catch.hpp>

using namespace imgsrv::oidc;

TEST_CASE("base64url without padding") {
    CHECK(decode_base64url("") == "");
    CHECK(decode_base64url("Zg") == "f");
    CHECK(decode_base64url("Zm8") == "fo");
    CHECK(decode_base64url("Zm9v") == "foo");
    CHECK(decode_base64url("-_-_") == "\xfb\xff\xbf");
    CHECK(encode_base64url("") == "");
    CHECK(encode_base64url("f") == "Zg");
    CHECK(encode_base64url("fo") == "Zm8");
    CHECK(encode_base64url("\xfb\xff\xbf") == "-_-_");
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    CHECK(decode_base64url(encode_base64url(all)) == all);
}

TEST_CASE("each value has one form") {
    for (const char* text : {"Z", "Zg==", "Zh", "Zm9", "Zm9vZ", "Zm+v", "Zm/v", " Zm9v", "Zm 9v", "Zm9v ",
                             "Zm8=", "Zm9v\n", "Zm\xc3\xa4v"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_base64url(text));
    }
}
