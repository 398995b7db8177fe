#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void bad_keys_are_refused(Instance& instance) {
    Store store(instance);
    const std::vector<std::string> bad = {"",
                                          "/",
                                          "/a",
                                          "a/",
                                          "a//b",
                                          ".",
                                          "..",
                                          "../a",
                                          "a/..",
                                          "a/../b",
                                          "a/./b",
                                          std::string("a\0b", 3),
                                          "a b",
                                          "a\\b",
                                          "a+b",
                                          "a%2fb",
                                          "\xC3\xA4",
                                          "a\nb",
                                          "a*",
                                          std::string(201, 'x'),
                                          "x/" + std::string(201, 'y') + "/z",
                                          std::string(1023, '/') + "a",
                                          [] {
                                              std::string key;
                                              while (key.size() < 1025) key += std::string(100, 'k') + "/";
                                              return key + "k";
                                          }()};
    imgsrv_error error;
    store.put(store.key("good"), {1, 10});
    const auto good_upload = store.mp_create(store.key("good"));
    for (const auto& key : bad) {
        Body body({1, 10});
        Stream stream;
        std::string id;
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.stat(key, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.open(key, {}, 0, -1, &stream, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.put(key, body, 0, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.copy(store.key("good"), {}, key, 0, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.copy(key, {}, store.key("b"), 0, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.remove(key, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.mp_create(key, 0, &id, &error));
    }
    store.expect_object(store.key("good"), {{1, 10}});
}

void keys_of_the_longest_kind_work(Instance& instance) {
    Store store(instance);
    std::string key = store.key(std::string(200, 's'));
    while (key.size() + 51 <= 1024) key += "/" + std::string(50, 'd');
    key += std::string(1024 - key.size(), 'e');
    store.put(key, {3, 77});
    store.expect_object(key, {{3, 77}});
    const auto odd = store.key("-a/.hidden/..a/a..b/UPPER_lower.0:9-");
    store.put(odd, {4, 5});
    store.expect_object(odd, {{4, 5}});
}

void a_key_may_begin_another(Instance& instance) {
    Store store(instance);
    store.put(store.key("a/b"), {2, 20});
    store.put(store.key("a"), {1, 10});
    store.put(store.key("a/b/c"), {3, 30});
    store.expect_object(store.key("a"), {{1, 10}});
    store.expect_object(store.key("a/b"), {{2, 20}});
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(store.key("a"), &error));
    store.expect_object(store.key("a/b/c"), {{3, 30}});
    IMGSRV_EXPECT(!store.exists(store.key("a")));
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

void readers_see_one_version(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    constexpr std::uint64_t kSize = 2 * kMiB;
    store.put(key, {0, kSize});
    in_parallel(10, [&](int i) {
        for (std::uint64_t round = 1; round <= 5; ++round) {
            if (i < 3) {
                store.put(key, {static_cast<std::uint64_t>(i) * 100 + round, kSize});
                continue;
            }
            Stream stream;
            imgsrv_error error;
            IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open(key, {}, 0, -1, &stream, nullptr, &error));
            const auto bytes = stream.read_all();
            bool known = bytes == Pattern{0, kSize}.text();
            for (std::uint64_t seed = 0; seed < 300 && !known; ++seed) {
                char head[8];
                Pattern{seed, kSize}.fill(0, head, sizeof head);
                known = bytes.starts_with(std::string_view(head, sizeof head)) && bytes == Pattern{seed, kSize}.text();
            }
            IMGSRV_EXPECT(known);
        }
    });
}

void absent_objects_are_not_found(Instance& instance) {
    Store store(instance);
    store.put(store.key("a/b"), {1, 1});
    imgsrv_error error;
    for (const char* name : {"x", "a", "a/b/c", "x/y/z"}) {
        Stream stream;
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.stat(store.key(name), nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.open(store.key(name), {}, 0, -1, &stream, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error,
                           store.copy(store.key(name), {}, store.key("y"), 0, nullptr, &error));
    }
    IMGSRV_EXPECT(!store.exists(store.key("y")));
}

void ranges_are_exact(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const Pattern pattern{5, 2 * kMiB + 3};
    store.put(key, pattern);
    const auto whole = pattern.text();
    const auto size = static_cast<std::int64_t>(pattern.size);
    for (const std::int64_t offset :
         {std::int64_t{0}, std::int64_t{1}, std::int64_t{4096}, std::int64_t{kMiB}, size - 1, size}) {
        for (const std::int64_t length :
             {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, std::int64_t{70'000}, size, size + 1, INT64_MAX}) {
            Stream stream;
            Object info;
            imgsrv_error error;
            IMGSRV_EXPECT_CODE(IMGSRV_OK, error,
                               store.open(key, {}, static_cast<std::uint64_t>(offset), length, &stream, &info, &error));
            IMGSRV_EXPECT(info.size == pattern.size);
            const auto wanted = std::min(length < 0 ? size : length, size - offset);
            IMGSRV_EXPECT(stream.size() == wanted);
            IMGSRV_EXPECT(stream.read_all() ==
                          whole.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(wanted)));
        }
    }
    for (const std::uint64_t offset : {pattern.size + 1, std::uint64_t{INT64_MAX}, UINT64_MAX}) {
        Stream stream;
        imgsrv_error error;
        IMGSRV_EXPECT_CODE(IMGSRV_OUT_OF_RANGE, error, store.open(key, {}, offset, -1, &stream, nullptr, &error));
    }
}

void open_is_conditional(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto first = store.put(key, {1, 100});
    imgsrv_error error;
    Stream same;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open(key, first.etag, 0, -1, &same, nullptr, &error));
    const auto second = store.put(key, {2, 100});
    Stream other;
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, store.open(key, first.etag, 0, -1, &other, nullptr, &error));
    Stream current;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open(key, second.etag, 0, -1, &current, nullptr, &error));
}

void an_open_reader_never_mixes(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const Pattern old_bytes{1, 4 * kMiB};
    store.put(key, old_bytes);
    Stream stream;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open(key, {}, 0, -1, &stream, nullptr, &error));
    std::string got(1000, '\0');
    const auto n = stream.read(got.data(), got.size(), &error);
    IMGSRV_EXPECT(n > 0);
    got.resize(static_cast<std::size_t>(n));
    store.put(key, {2, 4 * kMiB});
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(key, &error));
    // Failing is allowed, for stores that read by range requests.
    std::string block(1 << 20, '\0');
    for (std::int64_t more = 1; more > 0;) {
        more = stream.read(block.data(), block.size(), &error);
        if (more < 0) return;
        got.append(block.data(), static_cast<std::size_t>(more));
    }
    IMGSRV_EXPECT(got == old_bytes.text());
}

void readers_rewind(Instance& instance) {
    Store store(instance);
    store.put(store.key("o"), {1, kMiB});
    Stream stream;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open(store.key("o"), {}, 10, 1000, &stream, nullptr, &error));
    if (!stream.can_rewind()) throw NotOffered("its readers do not rewind");
    const auto first = stream.read_all();
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, stream.rewind(&error));
    IMGSRV_EXPECT(first == stream.read_all());
    IMGSRV_EXPECT(first == Pattern{1, kMiB}.text().substr(10, 1000));
}

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

std::vector<std::string> keys_of(const Page& page) {
    std::vector<std::string> keys;
    for (const auto& object : page.objects) keys.push_back(object.key);
    return keys;
}

void lists_are_in_key_order(Instance& instance) {
    Store store(instance);
    // The order of bytes puts '-' and '.' before '/', and '0' after it.
    std::vector<std::string> keys;
    for (const char* name : {"a", "a-b", "a.b", "a/", "a/b/", "a0", "a/b", "b:c", "A", "z/z/z", "z", "z-", "z/a"}) {
        auto key = store.key(name);
        if (key.back() == '/') key += "x";
        keys.push_back(key);
    }
    for (const auto& key : keys) store.put(key, {1, key.size()});
    std::sort(keys.begin(), keys.end());
    const auto all = store.list(store.prefix(), {}, 1000);
    IMGSRV_EXPECT(keys_of(all) == keys);
    IMGSRV_EXPECT(!all.more);
    for (const auto& object : all.objects) {
        IMGSRV_EXPECT(object.size == object.key.size());
        IMGSRV_EXPECT(object.etag == store.stat(object.key).etag);
    }
    for (const std::uint32_t max : {1U, 2U, 5U}) {
        std::vector<std::string> seen;
        std::string after;
        for (bool more = true; more;) {
            const auto page = store.list(store.prefix(), after, max);
            IMGSRV_EXPECT(page.objects.size() <= max);
            IMGSRV_EXPECT(!page.more || !page.objects.empty());
            for (const auto& key : keys_of(page)) seen.push_back(key);
            if (!seen.empty()) after = seen.back();
            more = page.more;
        }
        IMGSRV_EXPECT(seen == keys);
    }
}

void lists_take_prefixes_and_starts(Instance& instance) {
    Store store(instance);
    for (const char* name : {"ab", "abc/d", "abd/e", "b/c", "b/d", "b-e"}) store.put(store.key(name), {1, 1});
    const auto named = [&](std::string_view prefix, std::string_view after) {
        std::string names;
        for (const auto& key : keys_of(store.list(store.key(prefix), store.key(after), 100))) {
            names += key.substr(store.prefix().size()) + " ";
        }
        return names;
    };
    IMGSRV_EXPECT(named("ab", "") == "ab abc/d abd/e ");
    IMGSRV_EXPECT(named("abc", "") == "abc/d ");
    IMGSRV_EXPECT(named("b/", "") == "b/c b/d ");
    IMGSRV_EXPECT(named("b", "") == "b-e b/c b/d ");
    IMGSRV_EXPECT(named("b/c", "") == "b/c ");
    IMGSRV_EXPECT(named("", "abc") == "abc/d abd/e b-e b/c b/d ");
    IMGSRV_EXPECT(named("", "abc/d") == "abd/e b-e b/c b/d ");
    IMGSRV_EXPECT(named("b", "b/c") == "b/d ");
    IMGSRV_EXPECT(named("b", "zzz").empty());
    IMGSRV_EXPECT(named("nothing/here", "").empty());
    IMGSRV_EXPECT(store.list("../", {}, 10).objects.empty());
    imgsrv_error error;
    Page page;
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.list(store.prefix(), {}, 0, &page, &error));
}

void a_list_stops_when_told(Instance& instance) {
    Store store(instance);
    for (int i = 0; i < 5; ++i) store.put(store.key(std::to_string(i)), {1, 1});
    int seen = 0;
    imgsrv_object_sink sink{&seen, [](void* ctx, const imgsrv_object_info*) noexcept {
                                return imgsrv_code{++*static_cast<int*>(ctx) == 3 ? IMGSRV_ABORTED : IMGSRV_OK};
                            }};
    std::int32_t more = 0;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(
        IMGSRV_ABORTED, error,
        store.table().list(store.self(), store.call().get(), str(store.prefix()), str(""), 100, &sink, &more, &error));
    IMGSRV_EXPECT(seen == 3);
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

void local_descriptors_hold_the_object(Instance& instance) {
    Store store(instance);
    const auto& extension = store.local_fd();
    const Pattern pattern{7, kMiB + 5};
    store.put(store.key("o"), pattern);
    imgsrv_error error;
    int fd = -1;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error,
                       extension.open_fd(store.self(), store.call().get(), str(store.key("o")), &fd, &error));
    struct stat st {};
    std::string bytes(pattern.size + 1, '\0');
    const bool regular = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    const auto n = ::read(fd, bytes.data(), bytes.size());
    const bool read_only = ::write(fd, "x", 1) < 0;
    ::close(fd);
    IMGSRV_EXPECT(regular && static_cast<std::uint64_t>(st.st_size) == pattern.size);
    IMGSRV_EXPECT(n == static_cast<ssize_t>(pattern.size));
    bytes.resize(pattern.size);
    IMGSRV_EXPECT(bytes == pattern.text());
    IMGSRV_EXPECT(read_only);
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error,
                       extension.open_fd(store.self(), store.call().get(), str(store.key("x")), &fd, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error,
                       extension.open_fd(store.self(), store.call().get(), str("../x"), &fd, &error));
}

void health_is_ok(Instance& instance) {
    Store store(instance);
    if (instance.component().health == nullptr) throw NotOffered("no health function");
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, instance.component().health(store.self(), store.call().get(), &error));
}

}  // namespace

Suite whole_object_checks() {
    return {
        {"S1", "keys outside of the grammar are refused", bad_keys_are_refused},
        {"S1", "the longest keys and every allowed character work", keys_of_the_longest_kind_work},
        {"S2", "a key may begin another key", a_key_may_begin_another},
        {"S3", "put stores exactly the bytes, of any size", put_stores_the_bytes},
        {"S3", "put takes bodies whose size is not known", put_takes_bodies_of_unknown_size},
        {"S3", "put replaces whole objects", put_replaces_whole_objects},
        {"S4", "a failing body leaves nothing behind, even at its end", a_failing_body_leaves_nothing},
        {"S4", "a body must have the size it announced", a_body_must_have_its_announced_size},
        {"S5", "put with if-absent keeps what is there", put_if_absent_keeps_what_is_there},
        {"S5", "of several puts with if-absent one wins", one_put_if_absent_wins},
        {"S5", "of several copies with if-absent one wins", one_copy_if_absent_wins},
        {"S6", "an absent object is NOT_FOUND", absent_objects_are_not_found},
        {"S7", "ranges are exact and clipped", ranges_are_exact},
        {"S8", "open with an etag is conditional", open_is_conditional},
        {"S9", "an open reader never mixes two versions", an_open_reader_never_mixes},
        {"S9", "readers see one version while writers replace it", readers_see_one_version},
        {"S10", "a rewound reader yields the same bytes", readers_rewind},
        {"S11", "a copy stands alone", copies_stand_alone},
        {"S11", "copy replaces, and obeys its conditions", copy_replaces_and_obeys_conditions},
        {"S12", "remove is idempotent", remove_is_idempotent},
        {"S13", "lists are in the order of the keys' bytes, page by page", lists_are_in_key_order},
        {"S13", "lists take any prefix and any start", lists_take_prefixes_and_starts},
        {"S13", "a list stops when its sink says so", a_list_stops_when_told},
        {"S14", "a cancelled or late put has no effect", cancelled_calls_have_no_effect},
        {"S15", "objects outlive a restart", objects_outlive_a_restart},
        {"S16", "ten threads do not disturb each other", many_threads_keep_to_themselves},
        {"S17", "local descriptors hold the object, read-only", local_descriptors_hold_the_object},
        {"S18", "a working store is healthy", health_is_ok},
    };
}

}  // namespace imgsrv::conformance
