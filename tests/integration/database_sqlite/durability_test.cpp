// What commit() acknowledged is there after kill -9 at any moment. (A power loss needs more: see `synchronous`, which
// configuration_test.cpp checks. No test can cut the power.)
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "database_file.h"

using namespace imgsrv::conformance;

namespace {

constexpr int kWriters = 3;

struct Commit {
    std::int64_t writer, number;
};

// Commits row after row in several threads and reports each to fd once commit() has returned.
[[noreturn]] void write_until_killed(const std::string& path, int fd) {
    try {
        Instance instance(sqlite_component(), settings_for(path));
        std::vector<std::thread> threads;
        for (std::int64_t writer = 0; writer < kWriters; ++writer) {
            threads.emplace_back([&instance, writer, fd] {
                Link link(instance);
                std::int64_t number =
                    link.number("SELECT coalesce(max(number), 0) FROM log WHERE writer = $1", {integer(writer)});
                for (;;) {
                    ++number;
                    link.begin(IMGSRV_TX_WRITE);
                    link.change("INSERT INTO log (writer, number, body) VALUES ($1, $2, $3)",
                                {integer(writer), integer(number), text(std::string(200 + number % 3000, 'b'))});
                    link.change("UPDATE total SET n = n + 1");
                    link.commit();
                    const Commit done{writer, number};
                    if (::write(fd, &done, sizeof done) != sizeof done) ::_exit(3);
                }
            });
        }
        for (auto& thread : threads) thread.join();
    } catch (const std::exception&) {
    }
    ::_exit(2);
}

// Reads `wanted` reports, kills the child, and returns all that it had sent.
std::map<std::int64_t, std::int64_t> kill_after(pid_t child, int fd, int wanted, std::chrono::microseconds more) {
    std::map<std::int64_t, std::int64_t> last;
    Commit commit{};
    int count = 0;
    const auto note = [&] { last[commit.writer] = std::max(last[commit.writer], commit.number); };
    while (count < wanted && ::read(fd, &commit, sizeof commit) == sizeof commit) {
        note();
        ++count;
    }
    REQUIRE(count == wanted);  // else the child failed by itself
    std::this_thread::sleep_for(more);
    REQUIRE(::kill(child, SIGKILL) == 0);
    ::waitpid(child, nullptr, 0);
    while (::read(fd, &commit, sizeof commit) == sizeof commit) note();
    return last;
}

}  // namespace

TEST_CASE("every acknowledged commit survives kill -9, and nothing else is damaged") {
    const Folder folder;
    const std::string path = folder.file("x.db");
    {
        Instance instance(sqlite_component(), settings_for(path));
        Link link(instance);
        link.script(
            "CREATE TABLE log (writer BIGINT, number BIGINT, body TEXT NOT NULL, PRIMARY KEY (writer, number));"
            "CREATE TABLE total (n BIGINT NOT NULL); INSERT INTO total VALUES (0);");
    }
    const char* const asked = std::getenv("IMGSRV_TEST_KILLS");
    const int rounds = asked != nullptr ? std::atoi(asked) : 20;
    std::mt19937 random(20240717);
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            write_until_killed(path, ends[1]);
        }
        ::close(ends[1]);
        const int wanted = 1 + static_cast<int>(random() % 60);
        const auto acknowledged = kill_after(child, ends[0], wanted, std::chrono::microseconds(random() % 3000));
        ::close(ends[0]);

        Instance instance(sqlite_component(), settings_for(path));
        Link link(instance);
        CHECK(link.read("PRAGMA integrity_check") == std::vector<Values>{{text("ok")}});
        for (const auto& [writer, number] : acknowledged) {
            CAPTURE(writer, number);
            const auto found = link.number("SELECT max(number) FROM log WHERE writer = $1", {integer(writer)});
            CHECK(found >= number);
            CHECK(found <= number + 1);  // the one whose report was not sent
            CHECK(link.number("SELECT count(*) FROM log WHERE writer = $1", {integer(writer)}) == found);
        }
        CHECK(link.number("SELECT n FROM total") == link.number("SELECT count(*) FROM log"));
    }
}
