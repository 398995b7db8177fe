#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sstream>

#include "http_fixture.h"

using namespace imgsrv;
using namespace imgsrv::test;

namespace {

constexpr int kConnections = 10'000;
// What an idle connection may cost; the allocators of sanitizers need more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kConnectionKib = 16;
#else
constexpr long kConnectionKib = 2;
#endif

// The fixture server as another process, so that each side has its own descriptors.
class ServerProcess {
  public:
    ServerProcess() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        std::string program = HTTP_FIXTURE_SERVER;
        std::string address = "127.0.0.1:0";
        std::string files = "/";
        std::array<char*, 4> arguments = {program.data(), address.data(), files.data(), nullptr};
        REQUIRE(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
        ::posix_spawn_file_actions_destroy(&actions);
        UniqueFd(ends[1]).reset();
        const UniqueFd out(ends[0]);
        for (char c = 0; ::read(out.get(), &c, 1) == 1 && c != '\n';) address_ += c;
    }
    ~ServerProcess() { stop(); }
    // The exit status.
    int stop() {
        if (pid_ == 0) return -1;
        int status = 0;
        ::kill(pid_, SIGTERM);
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    const std::string& address() const { return address_; }
    long resident_kib() const {
        std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
        long size = 0;
        long resident = 0;
        in >> size >> resident;
        return resident * (::sysconf(_SC_PAGESIZE) / 1024);
    }

  private:
    pid_t pid_ = 0;
    std::string address_;
};

}  // namespace

TEST_CASE("ten thousand connections at once, each of them served") {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    REQUIRE(limit.rlim_max >= 10'100);

    ServerProcess server;
    const long before = server.resident_kib();
    std::vector<HttpClient> clients;
    clients.reserve(kConnections);
    for (int i = 0; i < kConnections; ++i) {
        clients.emplace_back(server.address());
        REQUIRE(clients.back().connected());
    }
    for (auto& client : clients) REQUIRE(client.send(get("/token?t=" + std::to_string(client.fd()))));
    for (auto& client : clients) REQUIRE(client.reply().body == "token " + std::to_string(client.fd()) + "\n");
    CHECK(server.resident_kib() - before < kConnections * kConnectionKib);
    auto another = HttpClient(server.address());
    CHECK(another.reply().status == 503);
    clients.clear();
    CHECK(server.stop() == 0);
}
