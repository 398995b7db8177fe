#include <catch2/catch.hpp>

#include "core/uuid.h"
#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;

TEST_CASE("a response has the required fields") {
    HttpFixture fixture;
    auto client = fixture.client();
    client.send(get("/small", "X-Request-Id: my.id_1-2\r\n"));
    const auto reply = client.reply();
    CHECK(reply.status == 200);
    CHECK(reply.body == std::string(512, 'x'));
    CHECK(reply.header("x-request-id") == "my.id_1-2");
    CHECK(reply.header("date").size() == 29);
    CHECK(reply.header("server").empty());
    CHECK(reply.header("connection").empty());

    for (const std::string& bad : {std::string("a b"), std::string("x\"y"), std::string(129, 'a')}) {
        client.send(get("/small", "X-Request-Id: " + bad + "\r\n"));
        CHECK(is_uuid(client.reply().header("x-request-id")));
    }
    const auto seen = fixture.recorder.wait_for(1);
    CHECK(seen.method == http::Method::get);
    CHECK(seen.route == "/small");
    CHECK(seen.status == 200);
    CHECK(seen.bytes_out == 512);
    CHECK(seen.request_id == "my.id_1-2");
    CHECK(seen.completed);
}

TEST_CASE("HEAD has the length of what GET would send, and no body") {
    HttpFixture fixture;
    fixture.folder.write("file", std::string(100'000, 'f'));
    auto client = fixture.client();
    for (const auto& [target, length] : {std::pair("/small", "512"), std::pair("/shared", "1048576"),
                                         std::pair("/img/file", "100000"), std::pair("/stream/77", "77")}) {
        client.send("HEAD " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto reply = client.reply(false);
        CHECK(reply.status == 200);
        CHECK(reply.header("content-length") == length);
    }
    client.send(get("/token?t=after"));
    CHECK(client.reply().body == "token after\n");
}

TEST_CASE("204 has neither body nor length") {
    HttpFixture fixture;
    auto client = fixture.client();
    client.send("OPTIONS /small HTTP/1.1\r\nHost: a\r\n\r\n" + get("/token?t=1"));
    const auto reply = client.reply();
    CHECK(reply.status == 204);
    CHECK(reply.headers.count("content-length") == 0);
    CHECK(reply.header("allow") == "GET, HEAD, OPTIONS");
    CHECK(client.reply().body == "token 1\n");
}

TEST_CASE("connections persist as both sides wish") {
    HttpFixture fixture;
    SECTION("1.1 persists until told otherwise") {
        auto client = fixture.client();
        client.send(get("/small") + get("/small", "Connection: close\r\n") + get("/small"));
        CHECK(client.reply().header("connection").empty());
        CHECK(client.reply().header("connection") == "close");
        CHECK(client.ended());
    }
    SECTION("1.0 ends unless told otherwise") {
        auto client = fixture.client();
        client.send("GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        CHECK(client.reply().header("connection") == "keep-alive");
        client.send("GET /small HTTP/1.0\r\n\r\n");
        CHECK(client.reply().header("connection") == "close");
        CHECK(client.ended());
    }
    SECTION("a client that finished sending still gets its answer") {
        for (const char* target : {"/small", "/later/20?t=-"}) {
            auto client = fixture.client();
            client.send(get(target));
            client.finish_sending();
            CHECK(client.reply().status == 200);
            CHECK(client.ended());
        }
    }
    SECTION("empty lines between requests are skipped") {
        auto client = fixture.client();
        client.send("\r\n\r\n" + get("/small") + "\r\n" + get("/token?t=2"));
        CHECK(client.reply().status == 200);
        CHECK(client.reply().body == "token 2\n");
    }
}

TEST_CASE("pipelined requests are answered in order, on the loop or on workers") {
    HttpFixture fixture;
    auto client = fixture.client();
    std::string all;
    for (int i = 0; i < 300; ++i) {
        const std::string n = std::to_string(i);
        all += i % 3 == 0   ? get("/token?t=" + n)
               : i % 3 == 1 ? get("/later/0?t=" + n)
                            : with_body("PUT", "/up/x", std::string(i, 'b'));
    }
    client.send(all);
    for (int i = 0; i < 300; ++i) {
        const std::string n = std::to_string(i);
        REQUIRE(client.reply().body == (i % 3 == 2 ? "got " + n + "\n" : "token " + n + "\n"));
    }
}

TEST_CASE("a request may come in any number of pieces") {
    HttpFixture fixture;
    auto client = fixture.client();
    const std::string request = with_body("PUT", "/up/x", "hello") + get("/token?t=x");
    for (int round = 0; round < 3; ++round) {
        for (const char byte : request) client.send(std::string_view(&byte, 1));
        CHECK(client.reply().body == "got 5\n");
        CHECK(client.reply().body == "token x\n");
    }
}

TEST_CASE("path parameters are decoded") {
    HttpFixture fixture;
    auto client = fixture.client();
    client.send(get("/echo/a%2Fb/%C3%A9") + get("http://test/echo/x/y?q"));
    CHECK(client.reply().body == "a/b|\xC3\xA9\n");
    CHECK(client.reply().body == "x|y\n");
}

TEST_CASE("a handler that throws yields 500 without details") {
    HttpFixture fixture;
    auto client = fixture.client();
    for (const char* target : {"/throw", "/throwint"}) {
        client.send(get(target));
        const auto reply = client.reply();
        CHECK(reply.status == 500);
        CHECK(reply.header("content-type") == "application/problem+json");
        CHECK(reply.body.find("secret") == std::string::npos);
    }
    client.send(get("/small"));
    CHECK(client.reply().status == 200);
}

TEST_CASE("IPv4 and IPv6 share one listener") {
    FixtureState state;
    const auto router = fixture_routes(state);
    http::Server server(router, {}, nullptr);
    REQUIRE(server.listen({":0", "", ""}).ok());
    REQUIRE(server.start().ok());
    const std::string bound = server.addresses().at(0);
    const std::string port = bound.substr(bound.rfind(':'));
    HttpClient four("127.0.0.1" + port);
    four.send(get("/small"));
    CHECK(four.reply().status == 200);
    if (bound.front() == '[') {
        HttpClient six("[::1]" + port);
        REQUIRE(six.connected());
        six.send(get("/small"));
        CHECK(six.reply().status == 200);
    }
}

TEST_CASE("addresses that cannot be listened on are refused with a reason") {
    FixtureState state;
    const auto router = fixture_routes(state);
    http::Server server(router, {}, nullptr);
    for (const char* bad : {"", "8080", "127.0.0.1:", "127.0.0.1:99999", "::1:80", "[::1:80", "127.0.0.1:http"})
        CHECK(server.listen({bad, "", ""}).code() == Code::invalid_argument);
    REQUIRE(server.listen({"127.0.0.1:0", "", ""}).ok());
    const auto taken = server.listen({server.addresses().at(0), "", ""});
    CHECK(taken.code() == Code::unavailable);
    CHECK(taken.message().find("in use") != std::string::npos);
    CHECK(server.listen({"127.0.0.1:0", "/nonexistent", "/nonexistent"}).code() == Code::invalid_argument);
}
