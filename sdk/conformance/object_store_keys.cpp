#include <algorithm>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

std::vector<std::string> keys_of(const Page& page) {
    std::vector<std::string> keys;
    for (const auto& object : page.objects) keys.push_back(object.key);
    return keys;
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

}  // namespace

void add_key_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"S1", "keys outside of the grammar are refused", bad_keys_are_refused},
                  {"S1", "the longest keys and every allowed character work", keys_of_the_longest_kind_work},
                  {"S2", "a key may begin another key", a_key_may_begin_another},
                  {"S13", "lists are in the order of the keys' bytes, page by page", lists_are_in_key_order},
                  {"S13", "lists take any prefix and any start", lists_take_prefixes_and_starts},
                  {"S13", "a list stops when its sink says so", a_list_stops_when_told}});
}

}  // namespace imgsrv::conformance
