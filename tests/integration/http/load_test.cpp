#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <thread>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;

namespace {

// One line of /proc/self/status in KiB.
long status_kib(const std::string& key) {
    std::ifstream in("/proc/self/status");
    for (std::string word; in >> word;)
        if (word == key + ":") {
            long value = 0;
            in >> value;
            return value;
        }
    return 0;
}

}  // namespace

TEST_CASE("no response ever reaches another client, however connections come and go") {
    HttpFixture fixture;
    fixture.folder.write("file", std::string(2'000'000, 'f'));
    std::atomic<int> wrong{0};
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            std::minstd_rand random(t + 1);
            for (int i = 0; i < 500; ++i) {
                const std::string token = std::to_string(t) + "-" + std::to_string(i);
                auto client = fixture.client();
                switch (random() % 8) {
                    case 0:
                        client.send("GET /sma");
                        break;
                    case 1:
                        client.send("PUT /up/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\naaaaa");
                        break;
                    case 2:
                        client.send(get("/img/file"));
                        break;
                    case 3:
                        client.send(get("/stream/2000000"));
                        break;
                    case 4:
                        client.send(get("/later/1?t=" + token));
                        break;
                    default: {
                        const auto reply =
                            (client.send(get((i % 2 ? "/later/0?t=" : "/token?t=") + token)), client.reply());
                        ++(reply.body == "token " + token + "\n" ? right : wrong);
                        if (!client.silent(std::chrono::milliseconds(0))) ++wrong;
                    }
                }
                if (random() % 2) client.reset();
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(right > 500);
    CHECK(eventually([&] { return fixture.server.connections() == 0 && fixture.server.active_requests() == 0; }));
}

TEST_CASE("slow readers hold neither workers nor memory, and delay nobody") {
    http::Limits limits;
    limits.workers = 4;
    HttpFixture fixture(limits);
    std::string content;
    content.resize(30'000'000, 'f');
    fixture.folder.write("file", content);
    const long before = status_kib("VmRSS");
    std::vector<HttpClient> slow;
    for (int i = 0; i < 40; ++i) {
        slow.push_back(fixture.client(65536));
        slow.back().send(get(i % 2 ? "/img/file" : "/stream/30000000"));
    }
    for (auto& client : slow) CHECK_FALSE(client.some().empty());
    auto client = fixture.client();
    for (int i = 0; i < 20; ++i) {
        client.send(get("/work"));
        CHECK(client.reply().status == 200);
    }
    CHECK(status_kib("VmRSS") - before < 60'000);
}

TEST_CASE("connections over the limit are refused, and accepted again when others close") {
    http::Limits limits;
    limits.connections = 5;
    HttpFixture fixture(limits);
    std::vector<HttpClient> taken;
    for (int i = 0; i < 5; ++i) {
        taken.push_back(fixture.client());
        taken.back().send(get("/small"));
        REQUIRE(taken.back().reply().status == 200);
    }
    auto over = fixture.client();
    CHECK(over.reply().status == 503);
    CHECK(over.ended());
    taken.clear();
    REQUIRE(eventually([&] { return fixture.server.connections() == 0; }));
    auto next = fixture.client();
    next.send(get("/small"));
    CHECK(next.reply().status == 200);
}

TEST_CASE("running out of descriptors is survived") {
    HttpFixture fixture;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit before = limit;
    std::vector<HttpClient> clients;
    clients.reserve(100);
    // The next descriptor, and room for a few more.
    limit.rlim_cur = static_cast<rlim_t>(UniqueFd(::dup(0)).get()) + 20;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < 15; ++i) clients.push_back(fixture.client());
    std::size_t answered = 0;
    for (auto& client : clients)
        if (client.connected() && client.send(get("/small")) && client.reply().status == 200) ++answered;
    CHECK(answered > 0);
    CHECK(answered < 15);
    clients.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
    auto client = fixture.client();
    client.send(get("/small"));
    CHECK(client.reply().status == 200);
}
