// br, gzip or deflate by Accept-Encoding, for text and JSON from 1 KiB up.
#include "http/content_coding.h"

#include <catch2/catch.hpp>

using namespace imgsrv;

namespace {

Coding chosen(std::string_view accepted) {
    http::Headers headers;
    headers.add("accept-encoding", std::string(accepted));
    return http::choose_coding(headers);
}

http::Response text_of(std::size_t size, std::string type = "application/json") {
    http::Response response;
    response.headers.add("Content-Type", std::move(type));
    response.headers.add("ETag", "\"abc\"");
    response.body = std::string(size, 'x');
    return response;
}

http::Response encoded(http::Response response, std::string_view accepted) {
    http::Request request;
    request.headers.add("Accept-Encoding", std::string(accepted));
    http::encode(request, response);
    return response;
}

std::string field(const http::Response& response, std::string_view name) {
    return response.headers.joined(name);
}

}  // namespace

TEST_CASE("the preferred coding wins") {
    CHECK(http::choose_coding({}) == Coding::identity);
    CHECK(chosen("") == Coding::identity);
    CHECK(chosen("gzip") == Coding::gzip);
    CHECK(chosen("GZIP") == Coding::gzip);
    CHECK(chosen("x-gzip") == Coding::gzip);
    CHECK(chosen("deflate") == Coding::deflate);
    CHECK(chosen("gzip, deflate, br, zstd") == Coding::br);
    CHECK(chosen("deflate, gzip") == Coding::gzip);
    CHECK(chosen("br;q=0.5, gzip;q=0.8, deflate;q=0.7") == Coding::gzip);
    CHECK(chosen("gzip;q=0.001") == Coding::gzip);
    CHECK(chosen("gzip;q=0") == Coding::identity);
    CHECK(chosen("gzip;q=2") == Coding::identity);
    CHECK(chosen("zstd, compress") == Coding::identity);
}

TEST_CASE("identity and * in Accept-Encoding") {
    CHECK(chosen("*") == Coding::br);
    CHECK(chosen("br;q=0, *") == Coding::gzip);
    CHECK(chosen("*;q=0") == Coding::identity);
    CHECK(chosen("identity;q=1, *;q=0") == Coding::identity);
    CHECK(chosen("gzip;q=0.5, identity") == Coding::identity);
    CHECK(chosen("gzip;q=0.5, identity;q=0.5") == Coding::gzip);
    CHECK(chosen("identity;q=0, gzip;q=0.1") == Coding::gzip);
    CHECK(chosen("identity;q=0") == Coding::identity);
}

TEST_CASE("which media types are text") {
    for (const char* type :
         {"text/plain", "text/html; charset=utf-8", "TEXT/CSV", "application/json", "application/problem+json",
          "application/yaml", "application/openmetrics-text; version=1.0.0", "image/svg+xml"})
        CHECK(http::is_text(type));
    for (const char* type :
         {"application/octet-stream", "application/gzip", "image/png", "", "text/", "application/x-xz"})
        CHECK_FALSE(http::is_text(type));
}

TEST_CASE("text of 1 KiB and more is compressed and marked") {
    const auto response = encoded(text_of(1024), "gzip");
    CHECK(field(response, "Content-Encoding") == "gzip");
    CHECK(field(response, "Vary") == "Accept-Encoding");
    CHECK(field(response, "ETag") == "\"abc-gzip\"");
    CHECK(std::get<std::string>(response.body).size() < 100);

    const auto plain = encoded(text_of(1024), "");
    CHECK(field(plain, "Content-Encoding").empty());
    CHECK(field(plain, "Vary") == "Accept-Encoding");
    CHECK(field(plain, "ETag") == "\"abc\"");
    CHECK(std::get<std::string>(plain.body).size() == 1024);
}

TEST_CASE("a body that is short, not text, coded already, partial, a file or a stream stays unchanged") {
    const auto untouched = [](const http::Response& response) {
        CHECK(response.headers.find("Vary") == nullptr);
        CHECK(field(response, "ETag") == "\"abc\"");
    };
    untouched(encoded(text_of(1023), "gzip"));
    untouched(encoded(text_of(5000, "application/octet-stream"), "gzip"));
    auto coded = text_of(5000);
    coded.headers.add("Content-Encoding", "br");
    untouched(encoded(std::move(coded), "gzip"));
    auto part = text_of(5000);
    part.headers.add("Content-Range", "bytes 0-4999/9999");
    untouched(encoded(std::move(part), "gzip"));
    auto file = text_of(0);
    file.body = http::FileBody{UniqueFd(), 0, 5000};
    untouched(encoded(std::move(file), "gzip"));
    auto stream = text_of(0);
    stream.body = http::StreamBody{nullptr, 5000};
    untouched(encoded(std::move(stream), "gzip"));
}

TEST_CASE("Vary keeps what it had") {
    auto response = text_of(2000);
    response.headers.add("Vary", "Accept");
    CHECK(field(encoded(std::move(response), "br"), "Vary") == "Accept, Accept-Encoding");
}
