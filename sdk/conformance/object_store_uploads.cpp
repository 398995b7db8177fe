#include <chrono>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

void parts_not_named_are_dropped(Instance& instance) {
    Store store(instance);
    for (const std::vector<std::uint32_t>& wanted :
         {std::vector<std::uint32_t>{1, 2, 3}, {1, 3, 4}, {2, 3, 4}, {2, 4}, {3}, {4}}) {
        const auto key = store.key("o" + std::to_string(wanted.size()) + std::to_string(wanted.front()));
        const auto id = store.mp_create(key);
        std::vector<Part> all;
        for (std::uint32_t number = 1; number <= 4; ++number) {
            all.push_back(store.mp_put_part(key, id, number, {number, number == 4 ? kMiB + 3 : kPart}));
        }
        std::vector<Part> parts;
        std::vector<Pattern> patterns;
        for (const auto number : wanted) {
            parts.push_back(all[number - 1]);
            patterns.push_back({number, all[number - 1].size});
        }
        store.mp_complete(key, id, parts);
        store.expect_object(key, patterns);
    }
}

void wrong_lists_change_nothing(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, kPart});
    const auto two = store.mp_put_part(key, id, 2, {2, 500});
    auto wrong_etag = two;
    wrong_etag.etag = one.etag;
    auto wrong_size = two;
    wrong_size.size = 501;
    auto absent = two;
    absent.number = 3;
    imgsrv_error error;
    for (const auto& [bad, number] : {std::pair{wrong_etag, "2"}, {wrong_size, "2"}, {absent, "3"}}) {
        IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, store.mp_complete(key, id, {one, bad}, nullptr, &error));
        IMGSRV_EXPECT(std::string(error.message).find(std::string("part ") + number) != std::string::npos);
    }
    for (const auto& bad : {std::vector<Part>{}, {two, one}, {one, one}, {one, two, two}}) {
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.mp_complete(key, id, bad, nullptr, &error));
    }
    IMGSRV_EXPECT(!store.exists(key) && store.is_open(id));
    store.mp_complete(key, id, {one, two});
    store.expect_object(key, {{1, kPart}, {2, 500}});
}

void completion_replaces_and_repeats(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    store.put(key, {9, 100});
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, kPart});
    store.expect_object(key, {{9, 100}});
    const auto first = store.mp_complete(key, id, {one});
    const auto again = store.mp_complete(key, id, {one});
    IMGSRV_EXPECT(again.etag == first.etag && again.size == first.size);
    instance.restart();
    const auto later = store.mp_complete(key, id, {one});
    IMGSRV_EXPECT(later.etag == first.etag);
    store.expect_object(key, {{1, kPart}});
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.remove(key, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_complete(key, id, {one}, nullptr, &error));
    IMGSRV_EXPECT(!store.exists(key));
}

void completions_at_once_agree(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, kPart});
    const auto two = store.mp_put_part(key, id, 2, {2, kPart});
    std::vector<Object> objects(4);
    in_parallel(4, [&](int i) { objects[static_cast<std::size_t>(i)] = store.mp_complete(key, id, {one, two}); });
    for (const auto& object : objects) IMGSRV_EXPECT(object.etag == objects[0].etag);
    store.expect_object(key, {{1, kPart}, {2, kPart}});
}

void unknown_uploads_are_not_found(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, 10});
    imgsrv_error error;
    std::string etag;
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {key, "no-such-upload"}, {key, ""}, {key, "../../etc"}, {key, std::string(32, '0')}, {store.key("x"), id}};
    for (const auto& [some_key, some_id] : wrong) {
        Body body({1, 10});
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_put_part(some_key, some_id, 2, body, &etag, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_complete(some_key, some_id, {one}, nullptr, &error));
        IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_abort(some_key, some_id, &error));
    }
    store.mp_complete(key, id, {one});
}

void abort_ends_an_upload(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    store.put(key, {9, 90});
    const auto id = store.mp_create(key);
    const auto one = store.mp_put_part(key, id, 1, {1, 10});
    IMGSRV_EXPECT(store.is_open(id));
    imgsrv_error error;
    for (int i = 0; i < 2; ++i) IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_abort(key, id, &error));
    IMGSRV_EXPECT(!store.is_open(id));
    Body body({1, 10});
    std::string etag;
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_put_part(key, id, 1, body, &etag, &error));
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_complete(key, id, {one}, nullptr, &error));
    store.expect_object(key, {{9, 90}});
}

void abort_after_completion_keeps_the_object(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    store.mp_complete(key, id, {store.mp_put_part(key, id, 1, {1, kPart})});
    imgsrv_error error;
    std::string etag;
    Body body({1, 10});
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_put_part(key, id, 2, body, &etag, &error));
    for (int i = 0; i < 2; ++i) IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_abort(key, id, &error));
    store.expect_object(key, {{1, kPart}});
}

void abort_meets_a_part_on_its_way(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    Body body({1, kPart});
    body.at(2 * kMiB, [&] {
        imgsrv_error error;
        IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_abort(key, id, &error));
    });
    imgsrv_error error{};
    std::string etag;
    // A store that streams the part elsewhere may notice only later.
    const auto code = store.mp_put_part(key, id, 1, body, &etag, &error);
    IMGSRV_EXPECT(code == IMGSRV_NOT_FOUND || code == IMGSRV_OK);
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.mp_complete(key, id, {{1, kPart, etag}}, nullptr, &error));
    IMGSRV_EXPECT(!store.exists(key));
}

void open_uploads_are_listed(Instance& instance) {
    Store store(instance);
    const auto a = store.mp_create(store.key("a/1"));
    const auto b = store.mp_create(store.key("a/1"));
    const auto c = store.mp_create(store.key("b"));
    IMGSRV_EXPECT(a != b);
    const auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const auto uploads = store.mp_list(store.prefix());
    IMGSRV_EXPECT(uploads.size() == 3);
    for (const auto& upload : uploads) {
        IMGSRV_EXPECT(upload.created_us > now - 86'400'000'000 && upload.created_us < now + 86'400'000'000);
        IMGSRV_EXPECT(upload.key == store.key(upload.id == c ? "b" : "a/1"));
    }
    IMGSRV_EXPECT(store.mp_list(store.key("a/")).size() == 2);
    IMGSRV_EXPECT(store.mp_list(store.key("x")).empty());
    IMGSRV_EXPECT(store.list(store.prefix(), {}, 10).objects.empty());
}

void uploads_outlive_a_restart(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key, 3 * kPart + 9);
    std::vector<Part> parts;
    parts.push_back(store.mp_put_part(key, id, 1, {1, kPart}));
    store.mp_put_part(key, id, 2, {2, kPart});
    parts.push_back(store.mp_put_part(key, id, 2, {22, kPart}));
    instance.restart();
    IMGSRV_EXPECT(store.is_open(id));
    parts.push_back(store.mp_put_part(key, id, 3, {3, kPart}));
    instance.restart();
    parts.push_back(store.mp_put_part(key, id, 4, {4, 9}));
    store.mp_complete(key, id, parts);
    store.expect_object(key, {{1, kPart}, {22, kPart}, {3, kPart}, {4, 9}});
}

void small_parts_are_refused(Instance& instance) {
    Store store(instance);
    const auto least = store.part_limits().least_size;
    IMGSRV_EXPECT(least > 0 && least <= kPart);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto small = store.mp_put_part(key, id, 1, {1, least - 1});
    const auto enough = store.mp_put_part(key, id, 2, {2, least});
    const auto last = store.mp_put_part(key, id, 3, {3, 1});
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error,
                       store.mp_complete(key, id, {small, enough, last}, nullptr, &error));
    IMGSRV_EXPECT(std::string_view(error.message).find("part 1") != std::string_view::npos);
    store.mp_complete(key, id, {enough, last});
    store.expect_object(key, {{2, least}, {3, 1}});
}

}  // namespace

void add_upload_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"S25", "parts not named are dropped", parts_not_named_are_dropped},
                  {"S26", "a wrong list names the part and changes nothing", wrong_lists_change_nothing},
                  {"S27", "completion replaces the object and can be repeated", completion_replaces_and_repeats},
                  {"S27", "completions at once agree", completions_at_once_agree},
                  {"S28", "unknown uploads are NOT_FOUND", unknown_uploads_are_not_found},
                  {"S29", "abort ends an upload, and repeats", abort_ends_an_upload},
                  {"S29", "abort after completion keeps the object", abort_after_completion_keeps_the_object},
                  {"S29", "abort meets a part on its way", abort_meets_a_part_on_its_way},
                  {"S30", "open uploads are listed, by prefix", open_uploads_are_listed},
                  {"S15", "uploads outlive a restart", uploads_outlive_a_restart},
                  {"S32", "parts below the limit that it tells are refused", small_parts_are_refused}});
}

}  // namespace imgsrv::conformance
