#include <catch2/catch.hpp>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;

namespace {

struct Case {
    const char* name;
    std::string bytes;
    int status;
    bool closes;
};

std::string up(const std::string& fields, const std::string& rest) {
    return "PUT /up/a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + rest;
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";
// What an attacker hides behind a request that two servers parse differently.
const std::string kSmuggled = get("/token?t=SMUGGLED");

std::vector<Case> corpus() {
    std::string many;
    for (int i = 0; i < 5000; ++i) many += "X" + std::to_string(i) + ": a\r\n";
    std::string hundred;
    for (int i = 0; i < 100; ++i) hundred += "X" + std::to_string(i) + ": a\r\n";
    return {
        {"no Host", "GET /small HTTP/1.1\r\n\r\n", 400, true},
        {"two Hosts", "GET /small HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, true},
        {"Host with a bad port", "GET /small HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400, true},
        {"version cut short", "GET /small HTTP/1\r\n\r\n", 400, true},
        {"version missing", "GET /small \r\n\r\n", 400, true},
        {"HTTP/0.9", "GET /small\r\n\r\n", 400, true},
        {"HTTP/2.0", "GET /small HTTP/2.0\r\nHost: a\r\n\r\n", 505, true},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, true},
        {"lower-case method", "get /small HTTP/1.1\r\nHost: a\r\n\r\n", 501, false},
        {"unknown method", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", 501, false},
        {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, false},
        {"TRACE", "TRACE /small HTTP/1.1\r\nHost: a\r\n\r\n", 405, false},
        {"empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400, true},
        {"target without slash", "GET small HTTP/1.1\r\nHost: a\r\n\r\n", 400, true},
        {"bare LF", "GET /small HTTP/1.1\nHost: a\n\n", 400, true},
        {"bare LF in a field", "GET /small HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400, true},
        {"bare CR", "GET /small HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400, true},
        {"folded field", get("/small", "X: a\r\n b\r\n"), 400, true},
        {"field without colon", get("/small", "Foo\r\n"), 400, true},
        {"blank before the colon", get("/small", "X : a\r\n"), 400, true},
        {"NUL in a field", get("/small", std::string("X: a\0b\r\n", 8)), 400, true},
        {"Content-Length negative", up("Content-Length: -5\r\n", "abc"), 400, true},
        {"Content-Length over 64 bits", up("Content-Length: 99999999999999999999\r\n", "abc"), 400, true},
        {"Content-Length with sign", up("Content-Length: +3\r\n", "abc"), 400, true},
        {"Content-Length with tail", up("Content-Length: 3x\r\n", "abc"), 400, true},
        {"Content-Length no number", up("Content-Length: abc\r\n", "abc"), 400, true},
        {"Content-Length twice", up("Content-Length: 3\r\nContent-Length: 40\r\n", "abc" + kSmuggled), 400, true},
        {"Content-Length twice alike", up("Content-Length: 3\r\nContent-Length: 3\r\n", "abc" + kSmuggled), 400, true},
        {"Content-Length listed", up("Content-Length: 3, 3\r\n", "abc" + kSmuggled), 400, true},
        {"Content-Length with blank", up("Content-Length : 30\r\n", kSmuggled), 400, true},
        {"Content-Length too large", up("Content-Length: 1000000000000000\r\n", kSmuggled), 413, true},
        {"both framings", up("Content-Length: 3\r\n" + kChunked, "0\r\n\r\n" + kSmuggled), 400, true},
        {"both framings, reversed", up(kChunked + "Content-Length: 3\r\n", "0\r\n\r\n" + kSmuggled), 400, true},
        {"unknown encoding", up("Transfer-Encoding: ch\r\n", "3\r\nabc\r\n0\r\n\r\n" + kSmuggled), 501, true},
        {"gzip, chunked", up("Transfer-Encoding: gzip, chunked\r\n", "3\r\nabc\r\n0\r\n\r\n" + kSmuggled), 501, true},
        {"identity", up("Transfer-Encoding: identity\r\n", kSmuggled), 501, true},
        {"chunked twice", up(kChunked + kChunked, "0\r\n\r\n" + kSmuggled), 400, true},
        {"negative chunk", up(kChunked, "-1\r\nabc\r\n0\r\n\r\n"), 400, true},
        {"huge chunk", up(kChunked, "7fffffffffffffff\r\nabc\r\n"), 413, true},
        {"chunk over 64 bits", up(kChunked, "fffffffffffffffff\r\nabc\r\n"), 400, true},
        {"chunk without end", up(kChunked, "3\r\nabcXX0\r\n\r\n" + kSmuggled), 400, true},
        {"chunk line with bare LF", up(kChunked, "3\nabc\r\n0\r\n\r\n" + kSmuggled), 400, true},
        {"chunk line too long", up(kChunked, "3;" + std::string(20'000, 'x')), 400, true},
        {"trailers too long", up(kChunked, "0\r\n" + many), 400, true},
        {"body where none is taken", with_body("GET", "/small", "abc") + kSmuggled, 400, true},
        {"unknown expectation", up("Content-Length: 3\r\nExpect: more\r\n", "abc"), 417, true},
        {"field over 16 KiB", get("/small", "X: " + std::string(1'000'000, 'a') + "\r\n"), 431, true},
        {"5000 fields", get("/small", many), 431, true},
        {"101 fields", get("/small", hundred), 431, true},
        {"target over 8 KiB", get("/" + std::string(15'000, '/')), 414, true},
        {"target over everything", get("/" + std::string(300'000, '/')), 414, true},
        {"NUL in the path", get("/echo/a/d%00e"), 400, false},
        {"broken escape", get("/echo/a/%zz"), 400, false},
        {"dot segments", get("/echo/../%2e%2e"), 400, false},
        {"many slashes", get("/" + std::string(4000, '/')), 404, false},
        {"TLS on the plain port", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400, true},
        {"noise", std::string("\x81\x02\xff\x00noise\r\n\r\n", 13), 400, true},
        // Odd, but valid.
        {"chunk extension", up(kChunked, "3;x=\"y\"\r\nabc\r\n0\r\n\r\n"), 200, false},
        {"trailers", up(kChunked, "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), 200, false},
        {"Upgrade ignored",
         get("/small", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"), 200, false},
        {"odd fields", get("/small", "Accept: text\r\nCookie: a\r\nDate: yesterday\r\nContent-Type: foo\r\n"), 200,
         false},
        {"8 KiB field", get("/small", "X: " + std::string(8000, 'a') + "\r\n"), 200, false},
        {"IPv6 Host", "GET /small HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, false},
    };
}

}  // namespace

TEST_CASE("malformed requests get their status, and nothing hidden in them is answered") {
    HttpFixture fixture;
    const auto cases = corpus();
    for (const auto& one : cases) {
        INFO(one.name);
        auto client = fixture.client();
        client.send(one.bytes);
        const auto reply = client.reply();
        CHECK(reply.status == one.status);
        CHECK(reply.whole);
        if (reply.status >= 400) CHECK(reply.header("content-type") == "application/problem+json");
        if (one.closes) {
            CHECK(reply.header("connection") == "close");
            client.finish_sending();
            CHECK(client.ended());
        } else {
            client.send(get("/token?t=next"));
            CHECK(client.reply().body == "token next\n");
        }
    }
    for (const auto& seen : fixture.recorder.all()) CHECK(seen.target.find("SMUGGLED") == std::string::npos);
    CHECK(eventually([&] { return fixture.server.active_requests() == 0; }));
}
