#include "http/problem.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace imgsrv;
using nlohmann::json;

namespace {

json document(const http::Response& response) {
    return json::parse(std::get<std::string>(response.body));
}

}  // namespace

TEST_CASE("a problem is an RFC 9457 document") {
    const auto response = http::problem(404, "image 'debian' is not here", "req-1");
    CHECK(response.status == 404);
    CHECK(*response.headers.find("content-type") == "application/problem+json");
    CHECK(document(response) == json{{"type", "about:blank"},
                                     {"title", "Not Found"},
                                     {"status", 404},
                                     {"detail", "image 'debian' is not here"},
                                     {"instance", "req-1"}});
}

TEST_CASE("429 has the members that clients of other servers read") {
    const auto body = document(http::problem(429, "too fast", "req-1"));
    CHECK(body["status"] == 429);
    CHECK(body["detail"] == "too fast");
    CHECK(body["statusCode"] == 429);
    CHECK(body["error"] == "Too Many Requests");
    CHECK(body["message"] == "too fast");
}

TEST_CASE("codes map to the statuses of the contract") {
    const std::pair<Code, int> expected[] = {
        {Code::invalid_argument, 400},  {Code::unauthenticated, 401},
        {Code::permission_denied, 403}, {Code::not_found, 404},
        {Code::already_exists, 409},    {Code::failed_precondition, 412},
        {Code::too_large, 413},         {Code::unsupported_media_type, 415},
        {Code::out_of_range, 416},      {Code::too_many_requests, 429},
        {Code::internal, 500},          {Code::data_loss, 500},
        {Code::unimplemented, 501},     {Code::unavailable, 503},
        {Code::deadline, 503},          {Code::resource_exhausted, 507},
    };
    for (const auto& [code, status] : expected) {
        INFO(to_string(code));
        CHECK(http::http_status(code) == status);
        CHECK(http::problem(Status(code, "why"), "r").status == status);
    }
}

TEST_CASE("what only the operator may know stays out of the response") {
    for (const Code code : {Code::internal, Code::data_loss}) {
        const auto response = http::problem(Status(code, "table blobs is corrupt").with_detail("/var/lib/x"), "r");
        const std::string text = std::get<std::string>(response.body);
        CHECK(text.find("corrupt") == std::string::npos);
        CHECK(text.find("/var/lib") == std::string::npos);
    }
    const auto shown = http::problem(Status(Code::not_found, "blob is not here").with_detail("ENOENT /srv"), "r");
    CHECK(document(shown)["detail"] == "blob is not here");
}

TEST_CASE("a client is told what to do next") {
    CHECK(http::problem(Status(Code::unauthenticated, "no token"), "r").headers.find("WWW-Authenticate") != nullptr);
    CHECK(http::problem(Status(Code::unavailable, "away"), "r").headers.find("Retry-After") != nullptr);
    const auto soon = http::problem(Status(Code::unavailable, "away").with_retry_after_ms(1200), "r");
    CHECK(*soon.headers.find("Retry-After") == "2");
}

TEST_CASE("bytes that are not UTF-8 do not break the document") {
    CHECK(document(http::problem(400, "name \xFF", "r"))["status"] == 400);
}
