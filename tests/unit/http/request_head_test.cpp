#include "http/request_head.h"

#include <catch2/catch.hpp>

using namespace imgsrv::http;

namespace {

struct Parsed {
    Request request;
    Framing framing;
    std::optional<HeadError> error;
};

Parsed parse(const std::string& head) {
    Parsed parsed;
    parsed.error = parse_head(head, parsed.request, parsed.framing);
    return parsed;
}

int status_of(const std::string& head) {
    const auto parsed = parse(head);
    return parsed.error ? parsed.error->status : 200;
}

std::string get(const std::string& target, const std::string& fields = "") {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string put(const std::string& fields) {
    return "PUT /up HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace

TEST_CASE("a head is parsed") {
    const auto parsed =
        parse("PUT /v1/a%2Fb?x=1&y=? HTTP/1.1\r\nHost: h:80\r\nX-A:  two words \r\nContent-Length: 5\r\n\r\n");
    REQUIRE_FALSE(parsed.error);
    CHECK(parsed.request.method == Method::put);
    CHECK(parsed.request.target == "/v1/a%2Fb?x=1&y=?");
    CHECK(parsed.request.path == "/v1/a%2Fb");
    CHECK(parsed.request.query == "x=1&y=?");
    CHECK(*parsed.request.headers.find("x-a") == "two words");
    CHECK(parsed.request.content_length == 5U);
    CHECK(parsed.request.has_body);
    CHECK(parsed.framing.keep_alive);
    CHECK_FALSE(parsed.framing.chunked);
}

TEST_CASE("targets come in the forms of RFC 9112, section 3.2") {
    CHECK(parse(get("http://a/x?q")).request.path == "/x");
    CHECK(parse(get("http://a/x?q")).request.query == "q");
    CHECK(parse(get("HTTPS://a:1")).request.path == "/");
    CHECK(parse(get("http://a?q=1")).request.query == "q=1");
    CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").request.path == "*");
    CHECK(status_of("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n") == 200);  // for the caller to refuse
    for (const char* bad : {"*", "x", "ftp://a/x", "http:///x", "http://a b/", "/x#y", "http://a:99999/"}) {
        INFO(bad);
        CHECK(status_of(get(bad)) == 400);
    }
    CHECK(status_of(get("/" + std::string(kMaxTarget - 1, 'x'))) == 200);
    CHECK(status_of(get("/" + std::string(kMaxTarget, 'x'))) == 414);
}

TEST_CASE("versions and persistence") {
    CHECK(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").framing.keep_alive == false);
    CHECK(parse("GET / HTTP/1.0\r\n\r\n").framing.keep_alive == false);
    CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").framing.keep_alive == true);
    for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"})
        CHECK(status_of("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n") == 505);
    for (const char* version : {"HTTP/1", "HTTP/1.1x", "http/1.1", "HTTQ/1.1", "", "HTTP/1.1 "})
        CHECK(status_of("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n") == 400);
    CHECK(status_of("GET /\r\n\r\n") == 400);
}

TEST_CASE("the Host field must occur once and be valid") {
    CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 200);
    CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
    for (const char* host : {"", "a", "a:", "a:80", "[::1]", "[::1]:80", "xn--a.b-c_d"})
        CHECK(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 200);
    for (const char* host : {"a:99999", "a:b", "a b", "a/b", "a@b", "[::1", "[]", "[::1]x", "a,b"})
        CHECK(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 400);
}

TEST_CASE("a body's length can be read in one way only") {
    CHECK(parse(put("Content-Length: 0\r\n")).request.has_body == false);
    CHECK(parse(put("")).request.has_body == false);
    CHECK(parse(put("Transfer-Encoding: Chunked\r\n")).framing.chunked);
    for (const char* bad :
         {"Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n",
          "Content-Length: 3, 3\r\n", "Content-Length: -1\r\n", "Content-Length: +1\r\n", "Content-Length: 1x\r\n",
          "Content-Length: \r\n", "Content-Length: 0x10\r\n", "Content-Length: 99999999999999999999\r\n",
          "Content-Length : 3\r\n", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
          "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
        INFO(bad);
        CHECK(status_of(put(bad)) == 400);
    }
    for (const char* other : {"Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: gzip\r\n",
                              "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: identity\r\n",
                              "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: chunked, chunked\r\n"}) {
        INFO(other);
        CHECK(status_of(put(other)) == 501);
    }
    CHECK(status_of("PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
}

TEST_CASE("fields are strict") {
    for (const std::string& bad : {std::string("Foo\r\n"), std::string("X : a\r\n"), std::string("X: a\r\n b\r\n"),
                                   std::string("X: a\r\n\tb\r\n"), std::string("X: a\0b\r\n", 8),
                                   std::string(": a\r\n"), std::string("X\x01: a\r\n"), std::string("X: a\rb\r\n"),
                                   std::string("(x): a\r\n"), std::string("X: \x7F\r\n")}) {
        INFO(bad);
        CHECK(status_of(get("/", bad)) == 400);
    }
    CHECK(status_of(get("/", "Expect: 100-Continue\r\n")) == 200);
    CHECK(status_of(get("/", "Expect: something\r\n")) == 417);
    std::string many;
    for (std::size_t i = 1; i < kMaxFields; ++i) many += "X" + std::to_string(i) + ": a\r\n";
    CHECK(status_of(get("/", many)) == 200);
    CHECK(status_of(get("/", many + "Y: a\r\n")) == 431);
}

TEST_CASE("the end of a head is found however it is split") {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
    const std::string bytes = head + "GET /next";
    for (std::size_t first = 0; first <= head.size(); ++first)
        for (std::size_t second = first; second <= head.size(); ++second) {
            HeadScanner scanner;
            const bool early = second < head.size();
            if (first < head.size())
                REQUIRE(scanner.scan(std::string_view(bytes).substr(0, first)) == HeadScanner::Found::nothing);
            else
                continue;
            if (early) REQUIRE(scanner.scan(std::string_view(bytes).substr(0, second)) == HeadScanner::Found::nothing);
            REQUIRE(scanner.scan(bytes) == HeadScanner::Found::head);
            REQUIRE(scanner.length() == head.size());
        }
}

TEST_CASE("what cannot become a head is detected early") {
    for (const char* bad : {"GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n", "\n", "\x16\x03\x01", "\x80", " GET"}) {
        HeadScanner scanner;
        CHECK(scanner.scan(bad) == HeadScanner::Found::malformed);
    }
    HeadScanner scanner;
    CHECK(scanner.scan("\r\nGET") == HeadScanner::Found::head);  // an empty line, to be skipped
    CHECK(scanner.length() == 2);
}
