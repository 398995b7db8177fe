#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string pattern(std::size_t length) {
    std::string text(length, ' ');
    for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

}  // namespace

TEST_CASE("uploads of both framings are read whole") {
    HttpFixture fixture;
    auto client = fixture.client();
    const std::string body(3'000'000, 'b');
    client.send(with_body("PUT", "/up/x", body));
    CHECK(client.reply().body == "got 3000000\n");
    client.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C0\r\n" + body +
                "\r\n0\r\n\r\n" + get("/token?t=next"));
    CHECK(client.reply().body == "got 3000000\n");
    CHECK(client.reply().body == "token next\n");
    CHECK(fixture.recorder.wait_for(2).bytes_in == 3'000'000);
}

TEST_CASE("a chunked body may be split anywhere") {
    HttpFixture fixture;
    auto client = fixture.client();
    const std::string head = "PUT /up/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string body = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n";
    for (std::size_t split = 0; split <= body.size(); ++split) {
        client.send(head + body.substr(0, split));
        client.send(body.substr(split));
        REQUIRE(client.reply().body == "got 13\n");
    }
}

TEST_CASE("100-continue is sent when the handler reads, and only then") {
    HttpFixture fixture;
    auto client = fixture.client();
    const auto head = [](const std::string& target, std::size_t length) {
        return "PUT " + target +
               " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
    };
    SECTION("the client waits") {
        client.send(head("/up/x", 5));
        CHECK(client.some() == kContinue);
        client.send("hello");
        CHECK(client.reply().body == "got 5\n");
    }
    SECTION("the body is there already") {
        client.send(head("/up/x", 5) + "hello");
        const auto reply = client.reply();
        CHECK(reply.status == 200);
        CHECK(reply.body == "got 5\n");
    }
    SECTION("the request is refused by its head") {
        client.send(head("/nothing", 5));
        CHECK(client.reply().status == 404);
        CHECK(client.ended());
    }
    SECTION("the handler does not read") {
        client.send(head("/ignore", 5));
        CHECK(client.reply().body == "ignored\n");
        CHECK(client.ended());
    }
    SECTION("a document") {
        client.send("POST /document HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        CHECK(client.some() == kContinue);
        client.send("{}");
        CHECK(client.reply().body == "{}");
    }
}

TEST_CASE("a body that was not read is never taken for a request") {
    HttpFixture fixture;
    auto client = fixture.client();
    const std::string hidden = get("/token?t=SMUGGLED");
    client.send(with_body("PUT", "/ignore", hidden) + hidden);
    const auto reply = client.reply();
    CHECK(reply.body == "ignored\n");
    CHECK(reply.header("connection") == "close");
    client.finish_sending();
    CHECK(client.ended());
    CHECK(fixture.recorder.all().size() == 1);
}

TEST_CASE("a response sent before the end of a large body reaches the client") {
    HttpFixture fixture;
    auto client = fixture.client();
    client.send("PUT /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(300'000, 'x'));
    client.send(std::string(300'000, 'x'));
    CHECK(client.reply().body == "ignored\n");
}

TEST_CASE("documents are bounded, however they come") {
    http::Limits limits;
    limits.document_bytes = 50'000;
    HttpFixture fixture(limits);
    const auto post = [&](const std::string& bytes) {
        auto client = fixture.client();
        client.send(bytes);
        return client.reply();
    };
    for (const std::size_t size : {0, 1, 16'384, 16'385, 50'000})
        CHECK(post(with_body("POST", "/document", pattern(size))).body == pattern(size));
    CHECK(post(with_body("POST", "/document", pattern(50'001))).status == 413);
    const std::string chunked = "POST /document HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(post(chunked + "C350\r\n" + pattern(50'000) + "\r\n0\r\n\r\n").body == pattern(50'000));
    CHECK(post(chunked + "C351\r\n" + pattern(50'001) + "\r\n0\r\n\r\n").status == 413);

    auto client = fixture.client();
    client.send("POST /document HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n{");
    client.send("}");
    client.send("  " + get("/token?t=next"));
    CHECK(client.reply().body == "{}  ");
    CHECK(client.reply().body == "token next\n");
}

TEST_CASE("uploads over the limit are told to retry") {
    http::Limits limits;
    limits.uploads = 2;
    HttpFixture fixture(limits);
    const std::string head = "PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
    auto first = fixture.client();
    auto second = fixture.client();
    first.send(head);
    second.send(head);
    REQUIRE(eventually([&] { return fixture.server.active_requests() == 2; }));
    auto third = fixture.client();
    third.send(head + "abc");
    const auto refused = third.reply();
    CHECK(refused.status == 503);
    CHECK_FALSE(refused.header("retry-after").empty());
    first.send("abc");
    CHECK(first.reply().status == 200);
    fixture.recorder.wait_for(2);
    auto fourth = fixture.client();
    fourth.send(head + "abc");
    CHECK(fourth.reply().status == 200);
}

TEST_CASE("clients that delay their documents leave workers for others") {
    http::Limits limits;
    limits.workers = 4;
    HttpFixture fixture(limits);
    std::vector<HttpClient> slow;
    for (int i = 0; i < 10; ++i) {
        slow.push_back(fixture.client());
        // Short documents hold no worker; of the long ones, one may.
        slow.back().send("POST /document HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                         std::string(i < 5 ? "10" : "20000") + "\r\n\r\n");
    }
    REQUIRE(eventually([&] { return fixture.recorder.all().size() == 4; }));
    for (const auto& seen : fixture.recorder.all()) CHECK(seen.status == 503);
    auto client = fixture.client();
    client.send(get("/work") + with_body("POST", "/document", "{}"));
    CHECK(client.reply().status == 200);
    CHECK(client.reply().body == "{}");
}

TEST_CASE("a client that hangs up in the middle of a body") {
    HttpFixture fixture;
    for (const bool reset : {false, true}) {
        auto client = fixture.client();
        client.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
        REQUIRE(eventually([&] { return fixture.server.active_requests() == 1; }));
        if (reset)
            client.reset();
        else
            client.finish_sending();
        const auto seen = fixture.recorder.wait_for(reset ? 2 : 1);
        CHECK_FALSE(seen.completed);
        CHECK(seen.bytes_in <= 3);
    }
    CHECK(fixture.state.uploads_failed == 2);
    CHECK(fixture.state.uploads_finished == 0);
}

TEST_CASE("bodies of every kind arrive byte for byte") {
    HttpFixture fixture;
    const std::string content = pattern(9'000'000);
    fixture.folder.write("file", content);
    fixture.folder.write("empty", "");
    auto client = fixture.client();
    client.send(get("/img/file") + get("/img/empty") + get("/stream/5000000") + get("/stream/0") + get("/shared"));
    CHECK(client.reply().body == content);
    CHECK(client.reply().status == 200);
    CHECK(client.reply().body == content.substr(0, 5'000'000));
    CHECK(client.reply().body.empty());
    CHECK(client.reply().body == std::string(1024 * 1024, 's'));
    CHECK(fixture.recorder.wait_for(1).bytes_out == content.size());
}

TEST_CASE("a file that is not in the page cache arrives too") {
    HttpFixture fixture;
    const std::string content = pattern(6'000'000);
    const UniqueFd file(::open(fixture.folder.write("file", content).c_str(), O_RDONLY | O_CLOEXEC));
    ::fsync(file.get());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    auto client = fixture.client();
    client.send(get("/img/file"));
    CHECK(client.reply().body == content);
}

TEST_CASE("a stream that fails ends the connection, so that the client notices") {
    HttpFixture fixture;
    auto client = fixture.client();
    client.send(get("/broken/1000000") + get("/small"));
    const auto reply = client.reply();
    CHECK(reply.status == 200);
    CHECK_FALSE(reply.whole);
    CHECK(client.ended());
    CHECK_FALSE(fixture.recorder.wait_for(1).completed);
}

TEST_CASE("downloads that are cut off are reported as such") {
    HttpFixture fixture;
    fixture.folder.write("file", pattern(20'000'000));
    int count = 0;
    for (const char* target : {"/img/file", "/stream/20000000"}) {
        auto client = fixture.client(65536);
        client.send(get(target));
        CHECK_FALSE(client.some().empty());
        client.reset();
        const auto seen = fixture.recorder.wait_for(++count);
        CHECK_FALSE(seen.completed);
        CHECK(seen.bytes_out < 20'000'000);
    }
    CHECK(eventually([&] { return fixture.server.connections() == 0; }));
}
