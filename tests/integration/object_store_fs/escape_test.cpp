// Whatever is planted in the root, no key leads out of it.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "conformance/object_store_client.h"
#include "fs_store.h"

using namespace imgsrv::test;
using imgsrv::conformance::Body;
using imgsrv::conformance::Instance;
using imgsrv::conformance::Store;
using imgsrv::conformance::Stream;

namespace {

std::string text_of(const std::string& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct Planted {
    Folder folder;
    const std::string root = folder.path() + "/root";
    const std::string outside = folder.path() + "/outside";

    Planted() {
        std::filesystem::create_directories(root + "/objects");
        std::filesystem::create_directories(outside);
        std::ofstream(outside + "/secret") << "secret";
        // A folder and an object that lead out, absolute and relative, and things that are not files.
        std::filesystem::create_directory_symlink(outside, root + "/objects/abs+");
        std::filesystem::create_directory_symlink("../../outside", root + "/objects/rel+");
        std::filesystem::create_symlink(outside + "/secret", root + "/objects/link");
        std::filesystem::create_directory(root + "/objects/folder");
        REQUIRE(::mkfifo((root + "/objects/fifo").c_str(), 0600) == 0);
        std::ofstream(root + "/objects/file+") << "a file where a folder belongs";
    }
};

}  // namespace

TEST_CASE("symbolic links in the root are not followed") {
    Planted planted;
    Instance instance(fs_component(), fs_settings(planted.root));
    Store store(instance);
    imgsrv_error error{};
    for (const char* key : {"abs/secret", "rel/secret", "link", "folder", "fifo", "file/x"}) {
        INFO(key);
        Stream stream;
        CHECK(store.stat(key, nullptr, &error) == IMGSRV_INTERNAL);
        CHECK(store.open(key, {}, 0, -1, &stream, nullptr, &error) == IMGSRV_INTERNAL);
        CHECK(store.copy(key, {}, "stolen", 0, nullptr, &error) == IMGSRV_INTERNAL);
        CHECK_FALSE(store.exists("stolen"));
    }
    CHECK(count_files(planted.root + "/tmp") == 0);
    CHECK(store.list({}, {}, 100).objects.empty());
}

TEST_CASE("nothing is written or removed through a symbolic link") {
    Planted planted;
    Instance instance(fs_component(), fs_settings(planted.root));
    Store store(instance);
    imgsrv_error error{};
    for (const char* key : {"abs/secret", "rel/secret", "abs/new", "rel/a/b"}) {
        INFO(key);
        Body body({1, 10});
        CHECK(store.put(key, body, 0, nullptr, &error) == IMGSRV_INTERNAL);
        CHECK(store.remove(key, &error) == IMGSRV_INTERNAL);
        const auto id = store.mp_create(key);
        const auto part = store.mp_put_part(key, id, 1, {1, 10});
        CHECK(store.mp_complete(key, id, {part}, nullptr, &error) == IMGSRV_INTERNAL);
    }
    // The name itself is the store's: replacing it replaces the link.
    store.put("link", {1, 10});
    store.expect_object("link", {{1, 10}});
    CHECK(text_of(planted.outside + "/secret") == "secret");
    CHECK(std::distance(std::filesystem::directory_iterator(planted.outside), {}) == 1);
}

TEST_CASE("the folders of the store itself may not be links") {
    for (const char* name : {"objects", "uploads", "done"}) {
        Folder folder;
        std::filesystem::create_directory(folder.path() + "/elsewhere");
        std::filesystem::create_directory(folder.path() + "/root");
        std::filesystem::create_directory_symlink(folder.path() + "/elsewhere", folder.path() + "/root/" + name);
        CHECK_THROWS_AS(Instance(fs_component(), fs_settings(folder.path() + "/root")), imgsrv::conformance::LoadError);
    }
}

TEST_CASE("the content of tmp is removed at the start, and links there are not followed") {
    Folder folder;
    const auto root = folder.path() + "/root";
    std::filesystem::create_directories(root + "/tmp/half/made");
    std::filesystem::create_directory(folder.path() + "/elsewhere");
    std::ofstream(folder.path() + "/elsewhere/kept") << "kept";
    std::ofstream(root + "/tmp/half/file") << "x";
    std::filesystem::create_directory_symlink(folder.path() + "/elsewhere", root + "/tmp/link");
    const Instance instance(fs_component(), fs_settings(root));
    CHECK(std::filesystem::is_empty(root + "/tmp"));
    CHECK(text_of(folder.path() + "/elsewhere/kept") == "kept");
}
