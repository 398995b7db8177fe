// What a store does at its start, with copies, and with memory.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
using imgsrv::conformance::LoadError;
using imgsrv::conformance::Object;
using imgsrv::conformance::Part;
using imgsrv::conformance::Store;
using imgsrv::conformance::Stream;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct stat stat_of(const std::string& file) {
    struct stat st {};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    return st;
}

std::string only_entry(const std::string& folder) {
    std::filesystem::directory_iterator entries(folder);
    REQUIRE(entries != std::filesystem::directory_iterator());
    return entries->path().string();
}

}  // namespace

TEST_CASE("a root belongs to one process at a time") {
    const Folder folder;
    const Instance first(fs_component(), fs_settings(folder.path()));
    CHECK_THROWS_WITH(Instance(fs_component(), fs_settings(folder.path())), Catch::Contains("another process"));
}

TEST_CASE("a store that is only read opens beside its user and writes nothing") {
    const Folder folder;
    Instance user(fs_component(), fs_settings(folder.path()));
    Store store(user);
    imgsrv_error error{};
    Body body({1, 5000});
    REQUIRE(store.put(store.key("a"), body, 0, nullptr, &error) == IMGSRV_OK);
    std::string upload;
    REQUIRE(store.mp_create(store.key("b"), 0, &upload, &error) == IMGSRV_OK);

    auto settings = fs_settings(folder.path());
    settings.add("read_only", "true");
    Instance beside(fs_component(), settings);
    Store reader(beside);
    Stream stream;
    REQUIRE(reader.open(store.key("a"), "", 0, -1, &stream, nullptr, &error) == IMGSRV_OK);
    stream.expect({{1, 5000}});
    Body other({2, 10});
    CHECK(reader.put(store.key("a"), other, 0, nullptr, &error) == IMGSRV_FAILED_PRECONDITION);
    CHECK(reader.remove(store.key("a"), &error) == IMGSRV_FAILED_PRECONDITION);
    CHECK(reader.mp_create(store.key("c"), 0, &upload, &error) == IMGSRV_FAILED_PRECONDITION);

    Body part({3, 10});
    std::string etag;
    CHECK(store.mp_put_part(store.key("b"), upload, 1, part, &etag, &error) == IMGSRV_OK);
}

TEST_CASE("a layout of another version is refused") {
    const Folder folder;
    std::ofstream(folder.path() + "/FORMAT") << "imgsrv object store, files, layout 2\n";
    CHECK_THROWS_WITH(Instance(fs_component(), fs_settings(folder.path())), Catch::Contains("layout"));
}

TEST_CASE("a start that was killed while writing the version is repaired") {
    const Folder folder;
    std::ofstream(folder.path() + "/FORMAT") << "imgsrv obj";
    Instance instance(fs_component(), fs_settings(folder.path()));
    CHECK_NOTHROW(instance.restart());
}

TEST_CASE("the root is made when its parents are absent, and not at all below a file") {
    const Folder folder;
    { const Instance instance(fs_component(), fs_settings(folder.path() + "/a/b/c")); }
    CHECK(std::filesystem::is_directory(folder.path() + "/a/b/c/objects"));
    std::ofstream(folder.path() + "/file") << "x";
    CHECK_THROWS_AS(Instance(fs_component(), fs_settings(folder.path() + "/file/root")), LoadError);
}

TEST_CASE("empty folders of removed objects are pruned at the start") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    store.put("a/b/c/d", {1, 1});
    store.put("a/x", {1, 1});
    imgsrv_error error{};
    REQUIRE(store.remove("a/b/c/d", &error) == IMGSRV_OK);
    instance.restart();
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/objects/a+/b+"));
    CHECK(std::filesystem::exists(folder.path() + "/objects/a+/x"));
}

TEST_CASE("a copy is a hard link with the same etag") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    const auto source = store.put("a", {1, kMiB});
    Object copy;
    imgsrv_error error{};
    REQUIRE(store.copy("a", {}, "b", IMGSRV_IF_ABSENT, &copy, &error) == IMGSRV_OK);
    CHECK(copy.etag == source.etag);
    CHECK(stat_of(folder.path() + "/objects/a").st_ino == stat_of(folder.path() + "/objects/b").st_ino);
}

TEST_CASE("a file with too many links is copied byte for byte") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    store.put("a", {1, kMiB});
    const auto file = folder.path() + "/objects/a";
    // ext4 stops at 65000, others later; then there is nothing to see.
    int links = 1;
    while (links < 70'000 && ::link(file.c_str(), (folder.path() + "/link" + std::to_string(links)).c_str()) == 0)
        ++links;
    Object copy;
    imgsrv_error error{};
    REQUIRE(store.copy("a", {}, "b", 0, &copy, &error) == IMGSRV_OK);
    CHECK(copy.etag == store.stat("b").etag);
    CHECK((stat_of(folder.path() + "/objects/b").st_ino == stat_of(file).st_ino) == (links == 70'000));
    store.expect_object("b", {{1, kMiB}});
}

TEST_CASE("completing parts of one size copies nothing") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    const auto id = store.mp_create("o", 40 * kMiB + 1);
    std::vector<Part> parts(6);
    for (const std::uint32_t number : {6U, 2U, 4U, 1U, 5U, 3U})
        parts[number - 1] = store.mp_put_part("o", id, number, {number, number == 6 ? 1 : 8 * kMiB});
    const auto data = stat_of(only_entry(folder.path() + "/uploads") + "/data-1");
    CHECK(count_files(folder.path() + "/uploads") == 2);  // the journal and the data
    store.mp_complete("o", id, parts);
    CHECK(stat_of(folder.path() + "/objects/o").st_ino == data.st_ino);
}

TEST_CASE("receipts of finished uploads are removed with their object") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    for (const char* key : {"kept", "removed", "replaced"}) {
        const auto id = store.mp_create(key);
        store.mp_complete(key, id, {store.mp_put_part(key, id, 1, {1, 100})});
    }
    CHECK(count_files(folder.path() + "/uploads") == 0);
    CHECK(count_files(folder.path() + "/done") == 3);
    imgsrv_error error{};
    REQUIRE(store.remove("removed", &error) == IMGSRV_OK);
    store.put("replaced", {2, 10});
    instance.restart();
    CHECK(count_files(folder.path() + "/done") == 1);
}

TEST_CASE("what a killed upload left in its folder is removed when it resumes") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    const auto id = store.mp_create("o");
    const auto part = store.mp_put_part("o", id, 1, {1, 100});
    const auto upload = folder.path() + "/uploads/" + id;
    std::ofstream(upload + "/part-2-00000000000000000000000000000000") << "half a part";
    std::ofstream(upload + "/data-2") << "half an object";
    std::ofstream(upload + "/journal", std::ios::app) << "half a record";
    instance.restart();
    const auto second = store.mp_put_part("o", id, 2, {2, 50});
    CHECK(count_files(upload) == 2);
    instance.restart();
    store.mp_complete("o", id, {part, second});
    store.expect_object("o", {{1, 100}, {2, 50}});
}

TEST_CASE("a damaged journal is DATA_LOSS, and the upload can be aborted") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path()));
    Store store(instance);
    const auto id = store.mp_create("o");
    std::fstream journal(folder.path() + "/uploads/" + id + "/journal", std::ios::in | std::ios::out);
    journal.seekp(40) << "xx";
    journal.close();
    instance.restart();
    imgsrv_error error{};
    std::string etag;
    Body body({1, 10});
    CHECK(store.mp_put_part("o", id, 1, body, &etag, &error) == IMGSRV_DATA_LOSS);
    CHECK(store.mp_list({}).empty());
    CHECK(store.mp_abort("o", id, &error) == IMGSRV_OK);
    CHECK(count_files(folder.path() + "/uploads") == 0);
}

TEST_CASE("a part of 1 GiB takes little memory") {
    const Folder folder;
    Instance instance(fs_component(), fs_settings(folder.path(), false));
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int code = 1;
        try {
            Store store(instance);
            const auto id = store.mp_create("o");
            const auto before = [] {
                struct rusage usage {};
                ::getrusage(RUSAGE_SELF, &usage);
                return usage.ru_maxrss;
            };
            const auto start = before();
            const auto part = store.mp_put_part("o", id, 1, {1, std::uint64_t{1} << 30});
            store.mp_complete("o", id, {part});
            code = before() - start < 8 * 1024 ? 0 : 2;  // KiB
        } catch (const std::exception&) {
            code = 3;
        }
        ::_exit(code);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
