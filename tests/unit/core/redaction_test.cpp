#include "core/redaction.h"

#include <catch2/catch.hpp>

using imgsrv::keep_secret;

namespace {

std::string redacted(std::string text) {
    imgsrv::redact(text);
    return text;
}

}  // namespace

TEST_CASE("the secret half of a token is hidden, its id is not") {
    CHECK(redacted("token imgsrv_at_0123abcd_deadbeef0123, and imgsrv_at_x_y.") ==
          "token imgsrv_at_0123abcd_[REDACTED], and imgsrv_at_x_[REDACTED].");
    CHECK(redacted("imgsrv_at_") == "imgsrv_at_");
    CHECK(redacted("imgsrv_at_onlyid then _more") == "imgsrv_at_onlyid then _more");
    CHECK(redacted("imgsrv_at_a_imgsrv_at_b_c") == "imgsrv_at_a_[REDACTED]");
}

TEST_CASE("JSON Web Tokens are hidden whole") {
    CHECK(redacted("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln-_ x") == "Bearer [REDACTED] x");
    CHECK(redacted("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.") == "[REDACTED]");
    CHECK(redacted("keyJar.txt and eyJ.ok") == "keyJar.txt and eyJ.ok");
}

TEST_CASE("passwords of URLs and of connection strings") {
    CHECK(redacted("postgresql://me:se:cr@et@db:5432/x?y=1") == "postgresql://me:[REDACTED]@db:5432/x?y=1");
    CHECK(redacted("https://host:8443/a@b") == "https://host:8443/a@b");
    CHECK(redacted("https://[::1]:8443/") == "https://[::1]:8443/");
    CHECK(redacted("http://me@host/") == "http://me@host/");
    CHECK(redacted("host=db password=tops3cret user=me") == "host=db password=[REDACTED] user=me");
    CHECK(redacted("password='x' password=") == "password='[REDACTED]' password=");
    CHECK(redacted("://") == "://");
}

TEST_CASE("registered secrets are hidden wherever they occur") {
    keep_secret("s3cr3t/key+1");
    keep_secret("s3cr3t/key+1 and longer\n");
    keep_secret("with \"quotes\"");
    keep_secret("short");
    CHECK(redacted("a=s3cr3t/key+1,b=s3cr3t/key+1") == "a=[REDACTED],b=[REDACTED]");
    CHECK(redacted("s3cr3t/key+1 and longer") == "[REDACTED]");
    CHECK(redacted(R"({"x":"with \"quotes\""})") == R"({"x":"[REDACTED]"})");
    CHECK(redacted("with \"quotes\"") == "[REDACTED]");
    CHECK(redacted("a short word") == "a short word");
}

TEST_CASE("a line of megabytes that a client made costs no more than its length") {
    constexpr std::size_t kTimes = 1'000'000;
    const auto times = [](std::string_view piece) {
        std::string text;
        for (std::size_t i = 0; i < kTimes; ++i) text += piece;
        return text;
    };
    // Outside of CHECK: the texts compared are too long to print.
    const auto becomes = [&](std::string_view piece, std::string_view other) {
        return redacted(times(piece)) == times(other);
    };
    for (const char* innocent : {"://", "eyJ", "://a ", "imgsrv_at_ "}) CHECK(becomes(innocent, innocent));
    CHECK(becomes("a://b:c@d/", "a://b:[REDACTED]@d/"));
    CHECK(becomes("imgsrv_at_a_b ", "imgsrv_at_a_[REDACTED] "));
    CHECK(becomes("password=x ", "password=[REDACTED] "));
}
