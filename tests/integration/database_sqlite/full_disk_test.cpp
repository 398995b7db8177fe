#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>

#include "database_file.h"

using namespace imgsrv::conformance;

namespace {

// A file system of 4 MiB that only this process sees and that vanishes with it.
void mount_small_disk(const std::string& at) {
    const uid_t user = ::getuid();
    const gid_t group = ::getgid();
    if (::unshare(CLONE_NEWNS) != 0) {
        // Not root: be root in a user namespace.
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            throw Failure("this test needs root, or a kernel that lets users make namespaces");
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
        std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    }
    IMGSRV_EXPECT(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    IMGSRV_EXPECT(::mount("imgsrv-test", at.c_str(), "tmpfs", 0, "size=4m") == 0);
}

// Uses up this much of the disk, or all that is left.
void fill(const std::string& path, std::size_t bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    IMGSRV_EXPECT(fd >= 0);
    const std::string block(4096, 'f');
    std::size_t written = 0;
    while (written<bytes&& ::write(fd, block.data(), block.size())> 0) written += block.size();
    ::close(fd);
}

// Inserts rows until one is refused; returns how many were committed.
std::int64_t insert_until_full(Link& link, imgsrv_error& error) {
    for (std::int64_t done = 0; done < 1000; ++done) {
        error = {};
        const auto code = link.query("INSERT INTO t (body) VALUES ($1)", {blob(std::string(60'000, 'x'))}, &error);
        if (code == IMGSRV_OK) continue;
        IMGSRV_EXPECT(code == IMGSRV_RESOURCE_EXHAUSTED);
        return done;
    }
    fail(__FILE__, __LINE__, "a disk of 4 MiB took 60 MB");
}

void run_on_small_disk(const std::string& disk) {
    constexpr auto kAll = std::numeric_limits<std::size_t>::max();
    mount_small_disk(disk);
    fill(disk + "/reserve", 1 << 20);
    Instance instance(sqlite_component(), settings_for(disk + "/x.db"));
    Link link(instance);
    Link other(instance);
    link.script("CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB)");
    imgsrv_error error{};

    auto committed = insert_until_full(link, error);
    IMGSRV_EXPECT(committed > 5);
    IMGSRV_EXPECT((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    // Readers, old and new, still work.
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM t") == committed);
    IMGSRV_EXPECT(other.number("SELECT count(*) FROM t") == committed);
    IMGSRV_EXPECT(Link(instance).number("SELECT count(*) FROM t") == committed);

    // In a transaction the failure may come with a statement or with commit; either way nothing of it remains.
    link.begin(IMGSRV_TX_WRITE);
    auto code = link.query("INSERT INTO t (body) VALUES ($1)", {blob(std::string(3'000'000, 'y'))}, &error);
    if (code == IMGSRV_OK) code = link.table().commit(link.raw(), link.call(), &error);
    IMGSRV_EXPECT(code == IMGSRV_RESOURCE_EXHAUSTED);
    link.rollback();
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM t") == committed);

    // Without a single free byte, a new database cannot be created, and the error says why.
    fill(disk + "/filler", kAll);
    std::string refusal;
    try {
        Instance second(sqlite_component(), settings_for(disk + "/second.db"));
        Link(second).script("CREATE TABLE t (id BIGINT)");
    } catch (const std::exception& e) {
        refusal = e.what();
    }
    IMGSRV_EXPECT(refusal.find("code 8") != std::string::npos ||
                  refusal.find("RESOURCE_EXHAUSTED") != std::string::npos);
    IMGSRV_EXPECT(other.number("SELECT count(*) FROM t") == committed);

    // With free space, the same connections write again, and so does the second database.
    std::filesystem::remove(disk + "/filler");
    std::filesystem::remove(disk + "/reserve");
    link.change("DELETE FROM t WHERE id > 3");
    other.change("INSERT INTO t (body) VALUES ('again')");
    IMGSRV_EXPECT(link.number("SELECT count(*) FROM t") == 4);
    IMGSRV_EXPECT(link.read("PRAGMA integrity_check") == std::vector<Values>{{text("ok")}});
    Instance second(sqlite_component(), settings_for(disk + "/second.db"));
    Link(second).script("CREATE TABLE t (id BIGINT)");
}

}  // namespace

TEST_CASE("a full disk is reported as such, harms nothing, and recovers when there is space") {
    const Folder folder;
    // In a child process, because a mount namespace cannot be left again.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int verdict = 1;
        try {
            run_on_small_disk(folder.path());
            verdict = 0;
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
        }
        ::_exit(verdict);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}
