#include <catch2/catch.hpp>
#include <chrono>

#include "s3_store.h"

using namespace imgsrv::test;
using namespace imgsrv::conformance;
using namespace std::chrono_literals;
using Catch::Contains;

// The keys ask the fake server for faults; see fake_s3.py.

TEST_CASE("a completion that answers 200 with an error is not a success") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const Upload once(store, "fault:200-error:1");
    store.mp_complete(once.key, once.id, once.parts);
    store.expect_object(once.key, {{1, kPart}, {2, 100}});

    const Upload always(store, "fault:200-error:99");
    imgsrv_error error{};
    CHECK(store.mp_complete(always.key, always.id, always.parts, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Contains("InternalError"));
    CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    CHECK_FALSE(store.exists(always.key));
}

TEST_CASE("a completion that answers only white space is checked") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const Upload upload(store, "fault:200-blanks:1");
    imgsrv_error error{};
    CHECK(store.mp_complete(upload.key, upload.id, upload.parts, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_FALSE(store.exists(upload.key));
    store.mp_complete(upload.key, upload.id, upload.parts);
    store.expect_object(upload.key, {{1, kPart}, {2, 100}});
}

TEST_CASE("a completion whose answer is lost is found to have happened") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const Upload upload(store, "fault:lost-answer:1");
    const auto object = store.mp_complete(upload.key, upload.id, upload.parts);
    CHECK(object.size == kPart + 100);
    store.expect_object(upload.key, {{1, kPart}, {2, 100}});
}

TEST_CASE("a copy that answers 200 with an error is not a success") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto source = store.put(store.key("source"), {1, 1000});
    imgsrv_error error{};
    CHECK(store.copy(source.key, {}, store.key("fault:200-error:1"), 0, nullptr, &error) == IMGSRV_OK);
    store.expect_object(store.key("fault:200-error:1"), {{1, 1000}});
    CHECK(store.copy(source.key, {}, store.key("fault:200-error:99"), 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_FALSE(store.exists(store.key("fault:200-error:99")));
}

TEST_CASE("a copy that answers only white space is not a success") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto source = store.put(store.key("source"), {1, 1000});
    const auto target = store.key("fault:200-blanks:1");
    imgsrv_error error{};
    CHECK(store.copy(source.key, {}, target, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    CHECK_FALSE(store.exists(target));
    CHECK(store.copy(source.key, {}, target, 0, nullptr, &error) == IMGSRV_OK);
    store.expect_object(target, {{1, 1000}});
}

TEST_CASE("an object without an announced size is not taken for an empty one") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("fault:no-size:2");
    store.put(key, {1, 1000});
    imgsrv_error error{};
    CHECK(store.stat(key, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Contains("size"));
    Stream stream;
    CHECK(store.open(key, {}, 0, -1, &stream, nullptr, &error) == IMGSRV_UNAVAILABLE);
    store.expect_object(key, {{1, 1000}});
}

TEST_CASE("a store that asks for a pause gets it, or the caller learns how long") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    store.put(store.key("fault:slowdown:2"), {1, 2 * kMiB});
    store.expect_object(store.key("fault:slowdown:2"), {{1, 2 * kMiB}});
    imgsrv_error error{};
    CHECK(store.stat(store.key("fault:busy:9"), nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK(error.retry_after_ms == 7000);
}

TEST_CASE("a body that can be read only once is sent once") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    imgsrv_error error{};
    Body large({1, 3 * kMiB});
    CHECK(store.put(store.key("fault:late-500:1/large"), large, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
    // A small one is buffered.
    store.put(store.key("fault:late-500:1/small"), {1, 1000});
    store.expect_object(store.key("fault:late-500:1/small"), {{1, 1000}});
}

TEST_CASE("a conditional put whose outcome is unknown is not repeated") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    imgsrv_error error{};
    Body body({1, 1000});
    CHECK(store.put(store.key("fault:late-500:1"), body, IMGSRV_IF_ABSENT, nullptr, &error) == IMGSRV_UNAVAILABLE);
    Body again({1, 1000});
    CHECK(store.put(store.key("fault:late-500:1"), again, IMGSRV_IF_ABSENT, nullptr, &error) == IMGSRV_OK);
    Body pushed_back({1, 1000});
    CHECK(store.put(store.key("fault:slowdown:1"), pushed_back, IMGSRV_IF_ABSENT, nullptr, &error) == IMGSRV_OK);
}

TEST_CASE("bytes that arrive damaged are not stored") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    imgsrv_error error{};
    Body body({1, 3 * kMiB});
    const auto key = store.key("fault:damage:1");
    CHECK(store.put(key, body, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Contains("damaged"));
    CHECK_FALSE(store.exists(key));

    const auto upload = store.key("parts/fault:damage:1");
    const auto id = store.mp_create(upload);
    Body part({1, kPart});
    std::string etag;
    CHECK(store.mp_put_part(upload, id, 1, part, &etag, &error) == IMGSRV_UNAVAILABLE);
    store.mp_complete(upload, id, {store.mp_put_part(upload, id, 1, {1, kPart})});
    store.expect_object(upload, {{1, kPart}});
}

TEST_CASE("bytes overtaken by newer ones in the store are sent again") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("fault:overtaken:2");
    CHECK_FALSE(store.put(key, {1, 1000}).etag.empty());
    store.expect_object(key, {{1, 1000}});

    const auto upload = store.key("parts/fault:overtaken:1");
    const auto id = store.mp_create(upload);
    store.mp_complete(upload, id, {store.mp_put_part(upload, id, 1, {1, 1000})});
    store.expect_object(upload, {{1, 1000}});

    const Upload joined(store, "fault:overtaken-join:1");
    store.mp_complete(joined.key, joined.id, joined.parts);
    store.expect_object(joined.key, {{1, kPart}, {2, 100}});

    imgsrv_error error{};
    Body once({1, 3 * kMiB});
    CHECK(store.put(store.key("fault:overtaken:99"), once, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK_THAT(error.message, Contains("same object at the same time"));
    CHECK((error.flags & IMGSRV_ERR_RETRYABLE) != 0);
}

TEST_CASE("a download whose connection breaks resumes where it stopped") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const Pattern pattern{3, 4 * kMiB + 5};
    store.put(store.key("fault:cut:3"), pattern);
    store.expect_object(store.key("fault:cut:3"), {pattern});
}

TEST_CASE("a download never resumes in another object") {
    Instance instance(s3_component(), s3_settings());
    Store store(instance);
    const auto key = store.key("fault:replace:1");
    store.put(key, {3, 4 * kMiB});
    Stream stream;
    imgsrv_error error{};
    REQUIRE(store.open(key, {}, 0, -1, &stream, nullptr, &error) == IMGSRV_OK);
    std::string block(1 << 20, '\0');
    std::int64_t n = 1;
    while (n > 0) n = stream.read(block.data(), block.size(), &error);
    CHECK(n == -IMGSRV_ABORTED);
    CHECK_THAT(error.message, Contains("replaced"));
}

TEST_CASE("a silent store is given up after the time set in the options") {
    Instance instance(s3_component(), s3_settings({{"request_timeout", "400ms"}, {"inactivity_timeout", "400ms"}}));
    Store store(instance);
    imgsrv_error error{};
    const auto begin = std::chrono::steady_clock::now();
    CHECK(store.stat(store.key("fault:hang:1"), nullptr, &error) == IMGSRV_UNAVAILABLE);
    Body body({1, 3 * kMiB});
    CHECK(store.put(store.key("a/fault:hang:1"), body, 0, nullptr, &error) == IMGSRV_UNAVAILABLE);
    CHECK((error.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) != 0);
    CHECK_THAT(error.message, Contains("does not answer"));
    CHECK(std::chrono::steady_clock::now() - begin < 15s);
}
