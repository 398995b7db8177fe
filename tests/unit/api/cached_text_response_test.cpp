// A rendered document is compressed once for each encoding, and cached.
#include "api/cached_text_response.h"

#include <catch2/catch.hpp>

using namespace imgsrv;

namespace {

constexpr std::string_view kJson = "application/json";

http::Request request_for(std::string accepted) {
    http::Request request;
    request.method = http::Method::get;
    request.headers.add("Accept-Encoding", std::move(accepted));
    return request;
}

const void* body_of(const http::Response& response) {
    return std::get<std::shared_ptr<const std::string>>(response.body).get();
}

}  // namespace

TEST_CASE("the event loop sends the forms that are cached, and leaves the others to a worker") {
    const services::CachedText text(std::string(5000, 'x'));
    CHECK(api::cached_text_response_at_once({}, text, kJson));
    const auto request = request_for("gzip");
    CHECK_FALSE(api::cached_text_response_at_once(request, text, kJson));
    const auto made = api::cached_text_response(request, text, kJson);
    CHECK(*made.headers.find("Content-Encoding") == "gzip");
    const auto cached = api::cached_text_response_at_once(request, text, kJson);
    REQUIRE(cached);
    CHECK(body_of(*cached) == body_of(made));
    CHECK_FALSE(api::cached_text_response_at_once(request_for("br"), text, kJson));
}

TEST_CASE("a text that is never compressed stays on the event loop") {
    const services::CachedText brief(std::string(1023, 'x'));
    const services::CachedText binary(std::string(5000, 'x'));
    for (const auto& response :
         {api::cached_text_response_at_once(request_for("gzip"), brief, kJson),
          api::cached_text_response_at_once(request_for("gzip"), binary, "application/octet-stream")}) {
        REQUIRE(response);
        CHECK(response->headers.find("Content-Encoding") == nullptr);
        CHECK(response->headers.find("Vary") == nullptr);
    }
}

TEST_CASE("304 is for the form that would be sent") {
    const services::CachedText text(std::string(5000, 'x'));
    auto request = request_for("gzip");
    const std::string tag = *api::cached_text_response(request, text, kJson).headers.find("ETag");
    CHECK(tag != text.identity().etag);
    request.headers.add("If-None-Match", text.identity().etag);
    CHECK(api::cached_text_response(request, text, kJson).status == 200);
    request.headers.add("If-None-Match", tag);
    const auto response = api::cached_text_response_at_once(request, text, kJson);
    REQUIRE(response);
    CHECK(response->status == 304);
    CHECK(*response->headers.find("ETag") == tag);
    CHECK(*response->headers.find("Vary") == "Accept-Encoding");
    CHECK(response->headers.find("Content-Encoding") == nullptr);
}
