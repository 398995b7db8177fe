#include <catch2/catch.hpp>
#include <thread>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;
using namespace std::chrono_literals;

namespace {

http::Limits short_limits() {
    http::Limits limits;
    limits.handshake_timeout = 300ms;
    limits.head_timeout = 300ms;
    limits.idle_timeout = 600ms;
    limits.body_timeout = 300ms;
    limits.send_timeout = 300ms;
    return limits;
}

}  // namespace

TEST_CASE("a head that does not arrive is given up") {
    HttpFixture fixture(short_limits());
    SECTION("nothing was sent: closed without a response") {
        auto client = fixture.client();
        CHECK(client.ended());
        CHECK(fixture.recorder.all().empty());
    }
    SECTION("in the first request") {
        auto client = fixture.client();
        client.send("GET /small HTTP/1.1\r\nHost");
        CHECK(client.reply().status == 408);
        CHECK(client.ended());
        CHECK(fixture.recorder.wait_for(1).status == 408);
    }
    SECTION("in a later request") {
        auto client = fixture.client();
        client.send(get("/small") + "GET /sm");
        CHECK(client.reply().status == 200);
        CHECK(client.reply().status == 408);
        CHECK(client.ended());
    }
    SECTION("byte by byte does not help") {
        auto client = fixture.client();
        bool open = true;
        for (int i = 0; open && i < 200; ++i) open = client.send("G") && client.silent(10ms);
        CHECK_FALSE(open);
    }
    SECTION("an idle connection is closed without a response") {
        auto client = fixture.client();
        client.send(get("/small"));
        CHECK(client.reply().status == 200);
        CHECK(client.ended());
        CHECK(fixture.recorder.all().size() == 1);
    }
}

TEST_CASE("a body that does not arrive is given up") {
    HttpFixture fixture(short_limits());
    for (const char* head : {"PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
                             "PUT /up/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
                             "POST /document HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
                             "POST /document HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\nabc"}) {
        auto client = fixture.client();
        client.send(head);
        CHECK(client.reply().status == 408);
        CHECK(client.ended());
    }
}

TEST_CASE("a slow but steady body is read to its end") {
    auto limits = short_limits();
    limits.body_timeout = 1s;  // far above the pauses, for a busy machine
    HttpFixture fixture(limits);
    auto part = fixture.client();
    auto document = fixture.client();
    part.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n");
    document.send("POST /document HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n");
    for (int i = 0; i < 30; ++i) {
        part.send("b");
        document.send("b");
        std::this_thread::sleep_for(50ms);
    }
    CHECK(part.reply().status == 200);
    CHECK(document.reply().status == 200);
}

TEST_CASE("a client that reads nothing is given up, a slow one is not") {
    auto limits = short_limits();
    limits.send_timeout = 600ms;
    HttpFixture fixture(limits);
    for (const char* target : {"/stream/50000000", "/shared"}) {
        const auto before = fixture.recorder.all().size();
        auto stuck = fixture.client(8192);
        stuck.send(get(target) + get(target) + get(target) + get(target) + get(target) + get(target));
        REQUIRE(eventually([&] {
            const auto all = fixture.recorder.all();
            return all.size() > before && !all.back().completed;
        }));
    }
    auto slow = fixture.client(65536);
    slow.send(get("/stream/8000000", "Connection: close\r\n"));
    std::size_t got = 0;
    for (int i = 0; i < 15; ++i) {
        got += slow.some().size();
        std::this_thread::sleep_for(60ms);
    }
    CHECK(got + slow.rest().size() > 8'000'000);
}

TEST_CASE("a handler may take longer than every timeout") {
    HttpFixture fixture(short_limits());
    auto client = fixture.client();
    client.send(get("/later/1200?t=late"));
    CHECK(client.reply().body == "token late\n");
}
