#include "api/conditional.h"

#include <catch2/catch.hpp>

using namespace imgsrv;
using namespace imgsrv::api;

namespace {

const Representation kBlob{"\"sha256:aa\"", *parse_rfc3339("2026-01-02T03:04:05.5Z"), 100};

Selection ask(std::initializer_list<std::pair<const char*, const char*>> headers,
              http::Method method = http::Method::get) {
    http::Request request;
    request.method = method;
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    return select(request, kBlob);
}

void check_range(const char* range, int status, std::uint64_t offset, std::uint64_t length) {
    INFO(range);
    const Selection s = ask({{"Range", range}});
    CHECK(s.status == status);
    CHECK(s.offset == offset);
    CHECK(s.length == length);
}

}  // namespace

TEST_CASE("one range of bytes") {
    check_range("bytes=0-0", 206, 0, 1);
    check_range("bytes=10-19", 206, 10, 10);
    check_range("bytes=90-", 206, 90, 10);
    check_range("bytes=90-1000", 206, 90, 10);
    check_range("bytes=-10", 206, 90, 10);
    check_range("bytes=-1000", 206, 0, 100);
    check_range("bytes= 5-6 ", 206, 5, 2);
    check_range("bytes=0-99999999999999999999999", 206, 0, 100);
}

TEST_CASE("ranges that cannot be served") {
    for (const char* range : {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=5-4", "bytes=0-1,5-6", "bytes=a-b",
                              "bytes=-", "bytes=", "bytes=1", "bytes=99999999999999999999999-"})
        check_range(range, 416, 0, 0);
}

TEST_CASE("another unit is ignored, and so is a range in anything but a GET") {
    check_range("lines=1-2", 200, 0, 100);
    check_range("nonsense", 200, 0, 100);
    CHECK(ask({{"Range", "bytes=0-1"}}, http::Method::head).status == 200);
}

TEST_CASE("If-None-Match wins over If-Modified-Since") {
    CHECK(ask({{"If-None-Match", "\"sha256:aa\""}}).status == 304);
    CHECK(ask({{"If-None-Match", "\"x\", W/\"sha256:aa\""}}).status == 304);
    CHECK(ask({{"If-None-Match", "*"}}).status == 304);
    CHECK(ask({{"If-None-Match", "\"x\""}, {"If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT"}}).status == 200);
    CHECK(ask({{"If-Modified-Since", "Fri, 02 Jan 2026 03:04:05 GMT"}}).status == 304);
    CHECK(ask({{"If-Modified-Since", "Fri, 02 Jan 2026 03:04:04 GMT"}}).status == 200);
    CHECK(ask({{"If-Modified-Since", "yesterday"}}).status == 200);
}

TEST_CASE("If-Match and If-Unmodified-Since") {
    CHECK(ask({{"If-Match", "\"sha256:aa\""}}).status == 200);
    CHECK(ask({{"If-Match", "\"other\""}}).status == 412);
    CHECK(ask({{"If-Unmodified-Since", "Fri, 02 Jan 2026 03:04:04 GMT"}}).status == 412);
    CHECK(ask({{"If-Unmodified-Since", "Fri, 02 Jan 2026 03:04:05 GMT"}}).status == 200);
}

TEST_CASE("If-Range applies the range only to the same bytes") {
    CHECK(ask({{"Range", "bytes=0-1"}, {"If-Range", "\"sha256:aa\""}}).status == 206);
    CHECK(ask({{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}}).status == 200);
    CHECK(ask({{"Range", "bytes=0-1"}, {"If-Range", "W/\"sha256:aa\""}}).status == 200);
    CHECK(ask({{"Range", "bytes=0-1"}, {"If-Range", "Fri, 02 Jan 2026 03:04:05 GMT"}}).status == 206);
    CHECK(ask({{"Range", "bytes=0-1"}, {"If-Range", "Fri, 02 Jan 2026 03:04:06 GMT"}}).status == 200);
}

TEST_CASE("an empty representation has no satisfiable range") {
    http::Request request;
    request.method = http::Method::get;
    request.headers.add("Range", "bytes=0-");
    CHECK(select(request, {"\"e\"", Time(), 0}).status == 416);
}
