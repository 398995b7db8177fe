// What the client makes of the server's answers.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "client/catalogue.h"
#include "client/http_client.h"
#include "client/paging.h"

using namespace imgsrv;
using namespace imgsrv::client;

namespace {

Reply reply(int status, std::string body = {}, decltype(Reply::headers) headers = {}) {
    return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

}  // namespace

TEST_CASE("a problem document's detail is the message, the request id the detail") {
    const Status s =
        status_of(reply(409, R"({"title":"Conflict","detail":"the image 'a' exists"})", {{"x-request-id", "r-1"}}));
    CHECK(s.code() == Code::already_exists);
    CHECK(s.message() == "the image 'a' exists");
    CHECK(s.detail() == "request r-1");
    CHECK_FALSE(s.retryable());
}

TEST_CASE("an answer that is not a problem document still has a message, without control characters") {
    CHECK(status_of(reply(502, "<html>")).message() == "the server answered 502");
    CHECK(status_of(reply(400, "{\"detail\":\"a\\u001b[2Jb\"}")).message() == "a [2Jb");
}

TEST_CASE("a busy or unavailable server is retryable, with its hint") {
    const Status busy = status_of(reply(503, "", {{"retry-after", "7"}}));
    CHECK(busy.retryable());
    CHECK(busy.retry_after_ms() == 7000);
    CHECK(status_of(reply(429)).retryable());
    CHECK(status_of(reply(504)).retryable());
    CHECK_FALSE(status_of(reply(500)).retryable());
    CHECK(status_of(reply(503, "", {{"retry-after", "Fri, 02 Jan 2026 03:04:05 GMT"}})).retry_after_ms() == 0);
}

TEST_CASE("the next page is found among the links") {
    CHECK(next_link("</v1/images?after=x>; rel=\"next\"") == "/v1/images?after=x");
    CHECK(next_link("</a>; rel=\"prev\", </b?c=1,2>; rel=\"next\"") == "/b?c=1,2");
    CHECK(next_link("</a>; rel=\"prev\"").empty());
    CHECK(next_link("rubbish").empty());
    CHECK(next_link("").empty());
}

TEST_CASE("path segments are encoded whole") {
    CHECK(encode_segment("a-b_c.d~1") == "a-b_c.d~1");
    CHECK(encode_segment("1.0+x:y/..") == "1.0%2Bx%3Ay%2F..");
    CHECK(encode_segment(std::string("\0\xc3\xa4", 3)) == "%00%C3%A4");
}

TEST_CASE("a job's steps are read with their progress") {
    const Job job =
        read_job(nlohmann::json::parse(R"({"id":"j","image_name":"a","version":"1","state":"running","steps":[
        {"name":"s","state":"running","blocking":false,"attempt_count":2,"progress":{"done":1,"total":3}}]})"));
    REQUIRE(job.steps.size() == 1);
    CHECK(job.steps[0].progress == "33 %");
    CHECK(job.steps[0].attempts == 2);
    CHECK_FALSE(job.steps[0].blocking);
    CHECK_FALSE(job.over());
}
