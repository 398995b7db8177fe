// A really full disk: RESOURCE_EXHAUSTED, and nothing left behind.
#include <catch2/catch.hpp>
#include <string>

#include "conformance/object_store_client.h"
#include "fs_store.h"

using namespace imgsrv::test;
using imgsrv::conformance::Body;
using imgsrv::conformance::Instance;
using imgsrv::conformance::Store;

namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;
// What folders, journals and the file system's own bookkeeping may take.
constexpr std::uint64_t kSlack = 512 * 1024;

}  // namespace

TEST_CASE("a put on a full disk fails and gives its space back") {
    SmallDisk disk(32);
    Instance instance(fs_component(), fs_settings(disk.root()));
    Store store(instance);
    store.put("kept", {1, kMebibyte});
    const auto before = disk.free_bytes();

    Body body({2, 64 * kMebibyte});
    imgsrv_error error{};
    REQUIRE(store.put("big", body, 0, nullptr, &error) == IMGSRV_RESOURCE_EXHAUSTED);
    CHECK(std::string(error.native) == "ENOSPC");
    CHECK(std::string(error.message).find("bytes are free") != std::string::npos);
    CHECK(std::string(error.message).find(disk.root()) == std::string::npos);
    CHECK_FALSE(body.saw_end());

    CHECK(disk.free_bytes() + kSlack > before);
    CHECK(count_files(disk.root() + "/tmp") == 0);
    CHECK_FALSE(store.exists("big"));
    store.expect_object("kept", {{1, kMebibyte}});
    store.put("small", {3, 4 * kMebibyte});
    store.expect_object("small", {{3, 4 * kMebibyte}});
}

TEST_CASE("a part on a full disk fails, gives its space back and harms no other") {
    SmallDisk disk(48);
    Instance instance(fs_component(), fs_settings(disk.root()));
    Store store(instance);
    const auto id = store.mp_create("o");
    const auto first = store.mp_put_part("o", id, 1, {1, 12 * kMebibyte});
    const auto before = disk.free_bytes();

    const auto refused = [&](std::uint32_t number, std::uint64_t size, bool announce) {
        Body body({9, size});
        if (!announce) body.announce(-1);
        imgsrv_error error{};
        std::string etag;
        CHECK(store.mp_put_part("o", id, number, body, &etag, &error) == IMGSRV_RESOURCE_EXHAUSTED);
        CHECK(disk.free_bytes() + kSlack > before);
    };
    const auto hog = store.mp_create("hog");
    const auto filler = store.mp_put_part("hog", hog, 1, {5, before - 8 * kMebibyte});
    const auto with_hog = disk.free_bytes();
    {
        // In place, in a file of its own, and as a replacement.
        for (const bool announce : {true, false}) {
            Body body({9, 12 * kMebibyte});
            if (!announce) body.announce(-1);
            imgsrv_error error{};
            std::string etag;
            CHECK(store.mp_put_part("o", id, 2, body, &etag, &error) == IMGSRV_RESOURCE_EXHAUSTED);
            Body again({9, 12 * kMebibyte});
            if (!announce) again.announce(-1);
            CHECK(store.mp_put_part("o", id, 1, again, &etag, &error) == IMGSRV_RESOURCE_EXHAUSTED);
            CHECK(disk.free_bytes() + kSlack > with_hog);
        }
    }
    imgsrv_error error{};
    REQUIRE(store.mp_abort("hog", hog, &error) == IMGSRV_OK);
    CHECK(disk.free_bytes() + kSlack > before);
    refused(2, 48 * kMebibyte, true);
    const auto second = store.mp_put_part("o", id, 2, {2, 12 * kMebibyte});
    store.mp_complete("o", id, {first, second});
    store.expect_object("o", {{1, 12 * kMebibyte}, {2, 12 * kMebibyte}});
}

TEST_CASE("a completion that runs out of space changes nothing") {
    SmallDisk disk(48);
    Instance instance(fs_component(), fs_settings(disk.root()));
    Store store(instance);
    const auto id = store.mp_create("o");
    // The second version lies in a file of its own and has to be copied over a hole; the third fills up the disk.
    const auto old = store.mp_put_part("o", id, 2, {2, 8 * kMebibyte});
    const auto one = store.mp_put_part("o", id, 1, {1, 8 * kMebibyte + 1});
    const auto two = store.mp_put_part("o", id, 2, {22, 8 * kMebibyte});
    const auto hog = store.put("hog", {9, disk.free_bytes() - 2 * kMebibyte});
    imgsrv_error error{};
    const auto code = store.mp_complete("o", id, {one, two}, nullptr, &error);
    CHECK(code == IMGSRV_RESOURCE_EXHAUSTED);
    CHECK_FALSE(store.exists("o"));
    REQUIRE(store.remove("hog", &error) == IMGSRV_OK);
    store.mp_complete("o", id, {one, two});
    store.expect_object("o", {{1, 8 * kMebibyte + 1}, {22, 8 * kMebibyte}});
}

TEST_CASE("an upload that is announced larger than the disk is refused at once") {
    SmallDisk disk(32);
    Instance instance(fs_component(), fs_settings(disk.root()));
    Store store(instance);
    std::string id;
    imgsrv_error error{};
    CHECK(store.mp_create("o", std::uint64_t{1} << 40, &id, &error) == IMGSRV_RESOURCE_EXHAUSTED);
    CHECK(std::string(error.message).find("bytes are free") != std::string::npos);
}
