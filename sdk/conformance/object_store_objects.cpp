#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

void copies_stand_alone(Instance& instance) {
    Store store(instance);
    const auto source = store.put(store.key("a"), {1, 3 * kMiB});
    imgsrv_error error;
    Object copy;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.copy(source.key, {}, store.key("b/c"), 0, &copy, &error));
    IMGSRV_EXPECT(copy.key == store.key("b/c") && copy.size == source.size);
    IMGSRV_EXPECT(store.stat(copy.key).etag == copy.etag);
    store.put(source.key, {2, 10});
    store.expect_object(copy.key, {{1, 3 * kMiB}});
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(source.key, &error));
    store.expect_object(copy.key, {{1, 3 * kMiB}});
}

void copy_replaces_and_obeys_conditions(Instance& instance) {
    Store store(instance);
    const auto a = store.put(store.key("a"), {1, 1000});
    const auto b = store.put(store.key("b"), {2, 2000});
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_ALREADY_EXISTS, error, store.copy(a.key, {}, b.key, IMGSRV_IF_ABSENT, nullptr, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, store.copy(a.key, b.etag, b.key, 0, nullptr, &error));
    store.expect_object(b.key, {{2, 2000}});
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.copy(a.key, a.etag, b.key, 0, nullptr, &error));
    store.expect_object(b.key, {{1, 1000}});
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.copy(a.key, {}, b.key, 0, nullptr, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.copy(a.key, {}, a.key, 0, nullptr, &error));
    store.expect_object(a.key, {{1, 1000}});
}

void remove_is_idempotent(Instance& instance) {
    Store store(instance);
    store.put(store.key("o"), {1, 10});
    imgsrv_error error;
    for (int i = 0; i < 2; ++i) IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(store.key("o"), &error));
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(store.key("never/was"), &error));
    IMGSRV_EXPECT(!store.exists(store.key("o")));
    store.put(store.key("o"), {2, 20});
    store.expect_object(store.key("o"), {{2, 20}});
}

void objects_outlive_a_restart(Instance& instance) {
    Store store(instance);
    const auto before = store.put(store.key("o"), {1, kMiB});
    instance.restart();
    IMGSRV_EXPECT(store.stat(store.key("o")).etag == before.etag);
    store.expect_object(store.key("o"), {{1, kMiB}});
}

void many_threads_keep_to_themselves(Instance& instance) {
    Store store(instance);
    in_parallel(10, [&](int i) {
        const auto n = static_cast<std::uint64_t>(i);
        for (std::uint64_t round = 0; round < 10; ++round) {
            const auto key = store.key("t" + std::to_string(i) + "/" + std::to_string(round));
            store.put(key, {n * 100 + round, 1000 * n + round});
            imgsrv_error error;
            IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.copy(key, {}, key + "-copy", 0, nullptr, &error));
            store.expect_object(key + "-copy", {{n * 100 + round, 1000 * n + round}});
            if (round % 2 == 0) IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(key, &error));
        }
    });
    std::size_t count = 0;
    std::string after;
    for (bool more = true; more;) {
        const auto page = store.list(store.prefix(), after, 50);
        count += page.objects.size();
        if (!page.objects.empty()) after = page.objects.back().key;
        more = page.more;
    }
    IMGSRV_EXPECT(count == 150);
}

void health_is_ok(Instance& instance) {
    Store store(instance);
    if (instance.component().health == nullptr) throw NotOffered("no health function");
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, instance.component().health(store.self(), store.call().get(), &error));
}

}  // namespace

void add_object_checks(Suite& suite) {
    suite.insert(suite.end(), {{"S11", "a copy stands alone", copies_stand_alone},
                               {"S11", "copy replaces, and obeys its conditions", copy_replaces_and_obeys_conditions},
                               {"S12", "remove is idempotent", remove_is_idempotent},
                               {"S15", "objects outlive a restart", objects_outlive_a_restart},
                               {"S16", "ten threads do not disturb each other", many_threads_keep_to_themselves},
                               {"S18", "a working store is healthy", health_is_ok}});
}

}  // namespace imgsrv::conformance
