#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;
using namespace std::chrono_literals;

TEST_CASE("stopping lets requests in flight finish and ends the rest") {
    HttpFixture fixture;
    std::string content;
    content.resize(20'000'000, 'f');
    fixture.folder.write("file", content);
    auto idle = fixture.client();
    idle.send(get("/small"));
    REQUIRE(idle.reply().status == 200);
    auto silent_tls = fixture.tls_client();
    auto working = fixture.client();
    working.send(get("/held?t=done"));
    auto downloading = fixture.client(65536);
    downloading.send(get("/img/file"));
    auto uploading = fixture.client();
    uploading.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    REQUIRE(eventually([&] { return fixture.server.active_requests() == 3; }));

    bool finished = false;
    std::thread stopper([&] { finished = fixture.server.stop(60s); });
    CHECK(idle.ended());
    CHECK(silent_tls.ended());
    uploading.send("def");
    CHECK(uploading.reply().body == "got 6\n");
    fixture.state.released = true;
    const auto late = working.reply();
    CHECK(late.body == "token done\n");
    CHECK(late.header("connection") == "close");
    CHECK(working.ended());
    CHECK(downloading.reply().body.size() == 20'000'000);
    working.reset();
    downloading.reset();
    uploading.reset();
    stopper.join();
    CHECK(finished);
    CHECK_FALSE(fixture.client().connected());
}

TEST_CASE("what does not finish in time is cut off") {
    HttpFixture fixture;
    auto uploading = fixture.client();
    uploading.send("PUT /up/x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    auto stuck = fixture.client(8192);
    stuck.send(get("/stream/50000000"));
    auto head = fixture.client();
    head.send("GET /sm");
    REQUIRE(eventually([&] { return fixture.server.active_requests() == 2; }));
    CHECK_FALSE(fixture.server.stop(100ms));
    CHECK(fixture.server.active_requests() == 0);
    CHECK(fixture.server.connections() == 0);
    CHECK(fixture.state.uploads_failed == 1);
    CHECK(uploading.ended());
    CHECK(head.ended());
}

TEST_CASE("a server that was never started, or is stopped twice") {
    FixtureState state;
    const auto router = fixture_routes(state);
    {
        http::Server never(router, {}, nullptr);
        REQUIRE(never.listen({"127.0.0.1:0", "", ""}).ok());
        CHECK(never.stop(1s));
    }
    http::Server server(router, {}, nullptr);
    REQUIRE(server.listen({"127.0.0.1:0", "", ""}).ok());
    REQUIRE(server.start().ok());
    CHECK(server.stop(1s));
    CHECK(server.stop(1s));
}

TEST_CASE("a server with a loop that hangs is not responsive") {
    // What systemd's watchdog is told; packaging/imgsrv.service turns it on.
    std::atomic<bool> entered{false};
    std::atomic<bool> released{false};
    http::Router router;
    http::Route hang;
    hang.pattern = "/hang";
    hang.fast = [&](const http::Request&) {
        entered = true;
        while (!released) std::this_thread::sleep_for(1ms);
        return std::optional(http::Response());
    };
    router.add(std::move(hang));
    http::Server server(router, {}, nullptr);
    REQUIRE(server.listen({"127.0.0.1:0", "", ""}).ok());
    REQUIRE(server.start().ok());
    CHECK(server.responsive(10s));
    HttpClient client(server.addresses().front());
    client.send(get("/hang"));
    REQUIRE(eventually([&] { return entered.load(); }));
    CHECK_FALSE(server.responsive(50ms));
    released = true;
    CHECK(client.reply().status == 200);
    CHECK(server.responsive(10s));
}
