#include "token.h"

#include <catch2/catch.hpp>
#include <string>

using namespace imgsrv::bearer;

namespace {

const std::string kId = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
const std::string kDigits = "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b";
const std::string kSecret = std::string(60, '0') + "beef";

}  // namespace

TEST_CASE("a token is its prefix, the id without dashes, and the secret") {
    CHECK(compose(kId, kSecret) == "imgsrv_at_" + kDigits + "_" + kSecret);
    CHECK(compose(kDigits, kSecret) == "imgsrv_at_" + kDigits + "_" + kSecret);

    const std::string text = *compose(kId, kSecret);
    const auto token = Token::parse(text);
    REQUIRE(token);
    CHECK(token->id == kId);
    CHECK(token->secret == kSecret);
}

TEST_CASE("an id that is no UUID makes no token") {
    for (const char* id : {"", "7", "0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5",
                           "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5bb", "0190a1b2_c3d4_7e5f_8a9b_0c1d2e3f4a5b",
                           "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g", "--------0190a1b2c3d47e5f8a9b0c1d2e3f"}) {
        CAPTURE(id);
        CHECK_FALSE(compose(id, kSecret));
    }
}

TEST_CASE("anything but the exact form is no token") {
    const std::string good = "imgsrv_at_" + kDigits + "_" + kSecret;
    REQUIRE(Token::parse(good));
    for (const std::string& text :
         {std::string(), std::string("imgsrv_at_"), good + "0", good.substr(0, good.size() - 1), " " + good,
          "imgsrv_at_" + kDigits + "-" + kSecret, "imgsrv_AT_" + kDigits + "_" + kSecret,
          "imgsrv_at_" + kDigits + "_" + std::string(60, '0') + "BEEF",
          "imgsrv_at_" + kDigits + "_" + std::string(64, 'g'), "imgsrv_at_" + std::string(32, '-') + "_" + kSecret,
          "imgsrv_at_" + kDigits + "_" + std::string(63, '0') + std::string(1, '\0')}) {
        CAPTURE(text);
        CHECK_FALSE(Token::parse(text));
    }
}

TEST_CASE("secrets are long, hexadecimal and never the same") {
    const std::string a = new_secret();
    const std::string b = new_secret();
    CHECK(a.size() == 64);
    CHECK(a != b);
    CHECK(Token::parse(*compose(kId, a)));
}

TEST_CASE("the verifier is the hash of the secret and tells nothing else apart") {
    // printf %s abc | sha256sum (FIPS 180-2, appendix B.1)
    const std::string verifier = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    CHECK(verifier_of("abc") == verifier);
    CHECK(matches("abc", verifier));
    CHECK_FALSE(matches("abd", verifier));
    CHECK_FALSE(matches("abc", ""));
    CHECK_FALSE(matches("abc", verifier.substr(0, verifier.size() - 1)));
    CHECK_FALSE(matches("abc", verifier.substr(7)));
    CHECK_FALSE(matches("abc", "md5:900150983cd24fb0d6963f7d28e17f72"));
}
