#include <catch2/catch.hpp>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;

// Where Ceph is stricter than S3, beyond what the contract requires of every store.
TEST_CASE("small stored parts that are not listed are left out") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, kPart});
    store.mp_put_part(key, id, 2, {2, 100});
    const auto three = store.mp_put_part(key, id, 3, {3, kPart + 1});
    store.mp_put_part(key, id, 4, {4, 3 * kMiB});
    store.mp_put_part(key, id, 5, {5, kPart});
    const auto object = store.mp_complete(key, id, {one, three});
    store.expect_object(key, {{1, kPart}, {3, kPart + 1}});
    CHECK(store.mp_complete(key, id, {one, three}).etag == object.etag);
}

TEST_CASE("the last part may be small even if unlisted parts follow it") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    for (const std::uint64_t small : {std::uint64_t{0}, std::uint64_t{77}, 2 * kMiB}) {
        const auto key = store.key("o" + std::to_string(small));
        const auto id = store.mp_create(key);
        std::vector<Part> parts = {store.mp_put_part(key, id, 1, {1, kPart}),
                                   store.mp_put_part(key, id, 2, {2, small})};
        store.mp_put_part(key, id, 3, {3, kPart});
        store.mp_put_part(key, id, 4, {4, 9});
        store.mp_complete(key, id, parts);
        store.expect_object(key, {{1, kPart}, {2, small}});
        store.mp_complete(key, id, parts);
    }
    const auto key = store.key("alone");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, 30});
    store.mp_put_part(key, id, 2, {2, 40});
    store.mp_complete(key, id, {one});
    store.expect_object(key, {{1, 30}});
}

TEST_CASE("a small part in the middle is refused by its number") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, 30});
    const auto two = store.mp_put_part(key, id, 2, {2, kPart});
    const auto three = store.mp_put_part(key, id, 3, {3, kPart});
    imgsrv_error error{};
    for (const auto& parts : {std::vector<Part>{one, two, three}, std::vector<Part>{one, two}})
        CHECK(store.mp_complete(key, id, parts, nullptr, &error) == IMGSRV_FAILED_PRECONDITION);
    CHECK_FALSE(store.exists(key));
    store.mp_complete(key, id, {two, three});
    store.expect_object(key, {{2, kPart}, {3, kPart}});
}

TEST_CASE("an upload leaves nothing behind, complete or aborted") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, 30});
    store.mp_put_part(key, id, 2, {2, 30});
    CHECK(store.mp_list(store.prefix()).size() == 1);
    store.mp_complete(key, id, {one});
    CHECK(store.mp_list(store.prefix()).empty());
    const auto other = store.mp_create(key);
    store.mp_put_part(key, other, 1, {1, 30});
    imgsrv_error error{};
    CHECK(store.mp_abort(key, other, &error) == IMGSRV_OK);
    CHECK(store.mp_list(store.prefix()).empty());
    store.expect_object(key, {{1, 30}});
}
