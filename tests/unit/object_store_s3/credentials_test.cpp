#include "credentials.h"

#include <catch2/catch.hpp>

using namespace imgsrv::s3;
using Catch::Contains;

namespace {

constexpr const char* kFile =
    "# two profiles\n"
    "[default]\r\n"
    "aws_access_key_id = ONE\r\n"
    "aws_secret_access_key=s3cr=t\n"
    "\n"
    "[ images ]\n"
    "; of a role\n"
    "aws_access_key_id=TWO\n"
    "aws_secret_access_key = other\n"
    "aws_session_token = token==\n"
    "region = eu-west-1\n"
    "[broken]\n"
    "aws_access_key_id = THREE";

}  // namespace

TEST_CASE("a profile of a credentials file is read") {
    CHECK(parse_credentials(kFile, "default") == Credentials{"ONE", "s3cr=t", ""});
    CHECK(parse_credentials(kFile, "images") == Credentials{"TWO", "other", "token=="});
}

TEST_CASE("a profile that is not whole says what it lacks") {
    CHECK_THROWS_WITH(parse_credentials(kFile, "absent"), Contains("[absent]"));
    CHECK_THROWS_WITH(parse_credentials(kFile, "broken"), Contains("aws_secret_access_key"));
    CHECK_THROWS_WITH(parse_credentials("", "default"), Contains("[default]"));
    CHECK_THROWS_WITH(parse_credentials("[default]\naws_secret_access_key = x\n", "default"),
                      Contains("aws_access_key_id"));
}
