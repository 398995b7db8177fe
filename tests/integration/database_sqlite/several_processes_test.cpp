#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "database_file.h"

using namespace imgsrv::conformance;

namespace {

constexpr int kProcesses = 3;
constexpr int kThreads = 3;
constexpr int kRounds = 60;

int add_in_threads(const std::string& path) {
    try {
        Instance instance(sqlite_component(), settings_for(path));
        std::atomic<int> failures{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t) {
            threads.emplace_back([&] {
                try {
                    Link link(instance);
                    for (int round = 0; round < kRounds; ++round) {
                        link.begin(IMGSRV_TX_WRITE);
                        const auto n = link.number("SELECT n FROM counter");
                        link.change("UPDATE counter SET n = $1", {integer(n + 1)});
                        link.commit();
                    }
                } catch (const std::exception& e) {
                    std::fprintf(stderr, "%s\n", e.what());
                    ++failures;
                }
            });
        }
        for (auto& thread : threads) thread.join();
        return failures;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 100;
    }
}

}  // namespace

TEST_CASE("writers of several processes read and write back without losing an update") {
    const Folder folder;
    const std::string path = folder.file("x.db");
    {
        Instance instance(sqlite_component(), settings_for(path));
        Link(instance).script("CREATE TABLE counter (n BIGINT NOT NULL); INSERT INTO counter VALUES (0);");
    }
    std::vector<pid_t> children;
    for (int p = 0; p < kProcesses; ++p) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) ::_exit(add_in_threads(path));
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
    }
    Instance instance(sqlite_component(), settings_for(path));
    CHECK(Link(instance).number("SELECT n FROM counter") == kProcesses * kThreads * kRounds);
}

TEST_CASE("several processes may create the database at once") {
    const Folder folder;
    for (int round = 0; round < 10; ++round) {
        const std::string path = folder.file("x" + std::to_string(round) + ".db");
        std::vector<pid_t> children;
        for (int p = 0; p < kProcesses; ++p) {
            const pid_t child = ::fork();
            REQUIRE(child >= 0);
            if (child == 0) {
                try {
                    Instance instance(sqlite_component(), settings_for(path));
                    Link(instance).script("CREATE TABLE IF NOT EXISTS t (id BIGINT)");
                    ::_exit(0);
                } catch (const std::exception& e) {
                    std::fprintf(stderr, "%s\n", e.what());
                    ::_exit(1);
                }
            }
            children.push_back(child);
        }
        for (const pid_t child : children) {
            int status = 0;
            ::waitpid(child, &status, 0);
            CHECK(status == 0);
        }
    }
}
