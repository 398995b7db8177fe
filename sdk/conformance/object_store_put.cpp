#include <atomic>
#include <chrono>
#include <thread>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void put_stores_the_bytes(Instance& instance) {
    Store store(instance);
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{4095}, std::uint64_t{4096},
                                     std::uint64_t{524288}, std::uint64_t{524289}, 9 * kMiB + 1}) {
        const auto key = store.key("size-" + std::to_string(size));
        const auto before = now_us();
        const auto object = store.put(key, {size, size});
        IMGSRV_EXPECT(object.key == key);
        IMGSRV_EXPECT(object.size == size);
        IMGSRV_EXPECT(!object.etag.empty());
        IMGSRV_EXPECT(object.mtime_us > before - 86'400'000'000 && object.mtime_us < before + 86'400'000'000);
        const auto seen = store.stat(key);
        IMGSRV_EXPECT(seen.key == key && seen.etag == object.etag && seen.size == size);
        store.expect_object(key, {{size, size}});
    }
}

void put_takes_bodies_of_unknown_size(Instance& instance) {
    Store store(instance);
    Body body({9, 3 * kMiB + 7});
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error,
                       store.put(store.key("o"), body.announce(-1).dribble(100'003), 0, nullptr, &error));
    IMGSRV_EXPECT(body.saw_end());
    store.expect_object(store.key("o"), {{9, 3 * kMiB + 7}});
}

void put_replaces_whole_objects(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto first = store.put(key, {1, 5 * kMiB});
    const auto second = store.put(key, {2, 3 * kMiB});
    IMGSRV_EXPECT(first.etag != second.etag);
    store.expect_object(key, {{2, 3 * kMiB}});
}

void a_failing_body_leaves_nothing(Instance& instance) {
    Store store(instance);
    const auto kept = store.put(store.key("kept"), {1, 1000});
    imgsrv_error error;
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1}, 2 * kMiB + 1, 4 * kMiB}) {
        for (const char* name : {"absent", "kept"}) {
            Body body({2, 4 * kMiB});
            body.fail_at(offset, IMGSRV_ABORTED);
            IMGSRV_EXPECT_CODE(IMGSRV_ABORTED, error, store.put(store.key(name), body, 0, nullptr, &error));
        }
    }
    IMGSRV_EXPECT(!store.exists(store.key("absent")));
    IMGSRV_EXPECT(store.stat(store.key("kept")).etag == kept.etag);
    store.expect_object(store.key("kept"), {{1, 1000}});
}

void a_body_must_have_its_announced_size(Instance& instance) {
    Store store(instance);
    imgsrv_error error;
    for (const std::int64_t announced : {999, 1001, 0}) {
        Body body({1, 1000});
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error,
                           store.put(store.key("o"), body.announce(announced), 0, nullptr, &error));
    }
    IMGSRV_EXPECT(!store.exists(store.key("o")));
}

void put_if_absent_keeps_what_is_there(Instance& instance) {
    Store store(instance);
    imgsrv_error error;
    Body first({1, 1000});
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.put(store.key("o"), first, IMGSRV_IF_ABSENT, nullptr, &error));
    Body second({2, 1000});
    IMGSRV_EXPECT_CODE(IMGSRV_ALREADY_EXISTS, error,
                       store.put(store.key("o"), second, IMGSRV_IF_ABSENT, nullptr, &error));
    store.expect_object(store.key("o"), {{1, 1000}});
}

void one_put_if_absent_wins(Instance& instance) {
    Store store(instance);
    if ((store.caps() & IMGSRV_STORE_CAP_PUT_IF_ABSENT) == 0) throw NotOffered("IMGSRV_STORE_CAP_PUT_IF_ABSENT");
    std::atomic<int> won{0};
    std::atomic<std::uint64_t> winner{0};
    in_parallel(10, [&](int i) {
        Body body({static_cast<std::uint64_t>(i) + 1, kMiB});
        imgsrv_error error{};
        const auto code = store.put(store.key("o"), body, IMGSRV_IF_ABSENT, nullptr, &error);
        IMGSRV_EXPECT(code == IMGSRV_OK || code == IMGSRV_ALREADY_EXISTS);
        if (code == IMGSRV_OK) ++won, winner = static_cast<std::uint64_t>(i) + 1;
    });
    IMGSRV_EXPECT(won == 1);
    store.expect_object(store.key("o"), {{winner, kMiB}});
}

void one_copy_if_absent_wins(Instance& instance) {
    Store store(instance);
    if ((store.caps() & IMGSRV_STORE_CAP_COPY_IF_ABSENT) == 0) throw NotOffered("IMGSRV_STORE_CAP_COPY_IF_ABSENT");
    for (std::uint64_t i = 1; i <= 10; ++i) store.put(store.key("s" + std::to_string(i)), {i, 1000});
    std::atomic<int> won{0};
    std::atomic<std::uint64_t> winner{0};
    in_parallel(10, [&](int i) {
        imgsrv_error error{};
        const auto code =
            store.copy(store.key("s" + std::to_string(i + 1)), {}, store.key("o"), IMGSRV_IF_ABSENT, nullptr, &error);
        IMGSRV_EXPECT(code == IMGSRV_OK || code == IMGSRV_ALREADY_EXISTS);
        if (code == IMGSRV_OK) ++won, winner = static_cast<std::uint64_t>(i) + 1;
    });
    IMGSRV_EXPECT(won == 1);
    store.expect_object(store.key("o"), {{winner, 1000}});
}

void cancelled_calls_have_no_effect(Instance& instance) {
    Store store(instance);
    store.put(store.key("o"), {1, 1000});
    imgsrv_error error;
    {
        Call call;
        Body body({2, 8 * kMiB});
        body.at(3 * kMiB, [&] { call.cancel(); });
        IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, store.put(store.key("o"), body, 0, nullptr, &error, &call));
    }
    {
        Call call;
        call.limit(std::chrono::milliseconds(30));
        Body body({2, 8 * kMiB});
        body.at(3 * kMiB, [] { std::this_thread::sleep_for(std::chrono::milliseconds(60)); });
        IMGSRV_EXPECT_CODE(IMGSRV_DEADLINE, error, store.put(store.key("o"), body, 0, nullptr, &error, &call));
    }
    store.expect_object(store.key("o"), {{1, 1000}});
}

}  // namespace

void add_put_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"S3", "put stores exactly the bytes, of any size", put_stores_the_bytes},
                  {"S3", "put takes bodies whose size is not known", put_takes_bodies_of_unknown_size},
                  {"S3", "put replaces whole objects", put_replaces_whole_objects},
                  {"S4", "a failing body leaves nothing behind, even at its end", a_failing_body_leaves_nothing},
                  {"S4", "a body must have the size it announced", a_body_must_have_its_announced_size},
                  {"S5", "put with if-absent keeps what is there", put_if_absent_keeps_what_is_there},
                  {"S5", "of several puts with if-absent one wins", one_put_if_absent_wins},
                  {"S5", "of several copies with if-absent one wins", one_copy_if_absent_wins},
                  {"S14", "a cancelled or late put has no effect", cancelled_calls_have_no_effect}});
}

}  // namespace imgsrv::conformance
