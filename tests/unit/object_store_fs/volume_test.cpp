#include "volume.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace imgsrv;
using namespace imgsrv::fs;

namespace {

struct LinkedTree {
    std::string path = "/tmp/imgsrv-volume-XXXXXX";
    Fd fd;

    LinkedTree() {
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        std::filesystem::create_directories(path + "/in/deep");
        std::filesystem::create_directories(path + "/out");
        std::ofstream(path + "/in/deep/file") << "x";
        std::ofstream(path + "/out/file") << "x";
        std::filesystem::create_directory_symlink("../out", path + "/in/link");
        std::filesystem::create_symlink("deep/file", path + "/in/name");
        fd = Fd(::open((path + "/in").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    ~LinkedTree() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("both ways of opening stay below their folder and follow no link") {
    LinkedTree tree;
    for (const auto open : {open_beneath, open_by_walking}) {
        CHECK(open(tree.fd.get(), "deep/file", O_RDONLY, 0));
        CHECK(open(tree.fd.get(), "deep", O_RDONLY | O_DIRECTORY, 0));
        CHECK(open(tree.fd.get(), ".", O_RDONLY | O_DIRECTORY, 0));
        for (const char* path : {"../out/file", "deep/../../out/file", "/etc/passwd", "link/file", "name", "link",
                                 "deep/file/x", "nothing", ""}) {
            INFO(path);
            CHECK_FALSE(open(tree.fd.get(), path, O_RDONLY, 0));
            CHECK(errno != 0);
        }
        CHECK(open(tree.fd.get(), "deep/new", O_RDWR | O_CREAT | O_EXCL, 0640));
        CHECK(std::filesystem::remove(tree.path + "/in/deep/new"));
    }
}

TEST_CASE("a full disk is RESOURCE_EXHAUSTED and tells what is free") {
    const LinkedTree tree;
    const Volume volume(Fd(::dup(tree.fd.get())), true, false);
    for (const int error : {ENOSPC, EDQUOT}) {
        const auto failure = volume.failure(error, "write");
        CHECK(failure.code == IMGSRV_RESOURCE_EXHAUSTED);
        CHECK_THAT(failure.message, Catch::Contains("bytes are free"));
        CHECK(failure.native == ::strerrorname_np(error));
    }
    CHECK(volume.failure(EACCES, "write").code == IMGSRV_UNAVAILABLE);
    CHECK(volume.failure(EIO, "write").code == IMGSRV_UNAVAILABLE);
}

TEST_CASE("a temporary file vanishes unless it was renamed away") {
    const LinkedTree tree;
    const Volume volume(Fd(::dup(tree.fd.get())), true, false);
    { const TemporaryFile file(volume, tree.fd.get()); }
    {
        const TemporaryFile file(volume, tree.fd.get());
        REQUIRE(::renameat(tree.fd.get(), file.name().c_str(), tree.fd.get(), "kept") == 0);
    }
    CHECK(exists(tree.fd.get(), "kept"));
    CHECK(std::distance(std::filesystem::directory_iterator(tree.path + "/in"), {}) == 4);
}

TEST_CASE("removing a tree follows no link") {
    const LinkedTree tree;
    remove_tree(tree.fd.get(), "deep");
    remove_tree(tree.fd.get(), "link");
    remove_tree(tree.fd.get(), "nothing");
    CHECK_FALSE(exists(tree.fd.get(), "deep"));
    CHECK(std::filesystem::exists(tree.path + "/out/file"));
}
