#include <catch2/catch.hpp>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;

// A completion that assembles its object separately takes several steps. Here each of them fails for as long as one
// call tries, which leaves behind what a process killed at that point leaves; another process then completes.
namespace {

// Calls complete until it succeeds, each time like a fresh process. Returns how many calls failed.
int complete(Instance& instance, Store& store, const std::string& key, const std::string& id,
             const std::vector<Part>& parts) {
    imgsrv_error error{};
    for (int failed = 0; failed < 20; ++failed) {
        instance.restart();
        const auto code = store.mp_complete(key, id, parts, nullptr, &error);
        if (code == IMGSRV_OK) return failed;
        INFO(error.message);
        CHECK(code == IMGSRV_UNAVAILABLE);
        CHECK_FALSE(store.exists(key));
    }
    FAIL("the upload is never complete");
    return 0;
}

}  // namespace

TEST_CASE("a completion resumes where another one was killed") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    // Joining fails for one call, and copying for another.
    const auto [key, id, parts] = Upload(store, "fault:200-error:4");
    CHECK(complete(instance, store, key, id, parts) == 2);
    store.expect_object(key, {{1, kPart}, {2, 100}});
    CHECK(store.mp_list(store.prefix()).empty());
    CHECK(complete(instance, store, key, id, parts) == 0);
}

TEST_CASE("so does one that leaves parts out and takes a small one from its second copy") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    // Joining and the copy of the ranges answer with an error or with blanks first, or not at all though they were
    // done; or every write fails a few times: parts and their second copies, filling, the note on the layout, and the
    // copy.
    for (const char* fault : {"fault:200-error:4", "fault:200-blanks:1", "fault:lost-answer:1", "fault:late-500:9"}) {
        const auto key = store.key(std::string(fault) + "/o");
        const auto id = store.mp_create(store.key(std::string(fault) + "/o"));
        std::vector<Part> parts;
        std::string etag;
        imgsrv_error error{};
        const auto put = [&](std::uint32_t number, std::uint64_t size) {
            for (int attempt = 0;; ++attempt) {
                Body body({number, size});
                const auto code = store.mp_put_part(key, id, number, body, &etag, &error);
                if (code == IMGSRV_OK) return Part{number, size, etag};
                REQUIRE(attempt < 20);
            }
        };
        parts = {put(1, kPart), put(2, 777)};
        put(3, kPart);
        put(4, 9);
        const int failed = complete(instance, store, key, id, parts);
        CHECK((failed > 0) == (std::string_view(fault) != "fault:lost-answer:1"));
        store.expect_object(key, {{1, kPart}, {2, 777}});
        CHECK(store.mp_list(store.prefix()).empty());
        CHECK(complete(instance, store, key, id, parts) == 0);
    }
}

TEST_CASE("an upload whose completion was given up can still be aborted and leaves nothing") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("fault:200-error:4");
    const auto id = store.mp_create(key);
    const std::vector<Part> parts = {store.mp_put_part(key, id, 1, {1, 100})};
    imgsrv_error error{};
    CHECK(store.mp_complete(key, id, parts, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK(store.mp_complete(key, id, parts, nullptr, &error) == IMGSRV_UNAVAILABLE);
    // Joined, and not copied: it is still listed.
    const auto listed = store.mp_list(store.prefix());
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].key == key);
    CHECK(store.mp_abort(listed[0].key, listed[0].id, &error) == IMGSRV_OK);
    CHECK(store.mp_list(store.prefix()).empty());
    CHECK(store.mp_complete(key, id, parts, nullptr, &error) == IMGSRV_NOT_FOUND);
}
