#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
// The least S3 takes for a part that is not the last.
constexpr std::uint64_t kPart = 5 * kMiB;

bool listed(Store& store, std::string_view id) {
    const auto uploads = store.mp_list(store.prefix());
    return std::any_of(uploads.begin(), uploads.end(), [&](const auto& upload) { return upload.id == id; });
}

// Uploads the parts of these sizes in the order given by `sequence` (indexes) and checks the object.
void upload_in_order(Store& store, const std::string& name, const std::vector<std::uint64_t>& sizes,
                     const std::vector<std::size_t>& sequence, bool announce) {
    const auto key = store.key(name);
    std::uint64_t total = 0;
    for (const auto size : sizes) total += size;
    const auto id = store.mp_create(key, announce ? total : 0);
    std::vector<Pattern> patterns;
    for (std::size_t i = 0; i < sizes.size(); ++i) patterns.push_back({i + 1, sizes[i]});
    std::vector<Part> parts(sizes.size());
    for (const auto i : sequence) {
        parts[i] = store.mp_put_part(key, id, static_cast<std::uint32_t>(i + 1), patterns[i]);
    }
    IMGSRV_EXPECT(!store.exists(key));
    const auto object = store.mp_complete(key, id, parts);
    IMGSRV_EXPECT(object.key == key && object.size == total && !object.etag.empty());
    IMGSRV_EXPECT(store.stat(key).etag == object.etag);
    store.expect_object(key, patterns);
    IMGSRV_EXPECT(!listed(store, id));
}

void parts_in_order(Instance& instance) {
    Store store(instance);
    upload_in_order(store, "announced", {kPart, kPart, kPart, 1000}, {0, 1, 2, 3}, true);
    upload_in_order(store, "silent", {kPart, kPart, kPart, 1000}, {0, 1, 2, 3}, false);
}

void parts_in_any_order(Instance& instance) {
    Store store(instance);
    upload_in_order(store, "backwards", {kPart, kPart, kPart, 1000}, {3, 2, 1, 0}, true);
    upload_in_order(store, "backwards-silent", {kPart, kPart, kPart, 1000}, {3, 2, 1, 0}, false);
    upload_in_order(store, "last-first", {kPart, kPart, kPart, kMiB + 1}, {3, 0, 1, 2}, false);
    upload_in_order(store, "middle-first", {kPart, kPart, kPart}, {1, 2, 0}, false);
}

void parts_of_any_size(Instance& instance) {
    Store store(instance);
    upload_in_order(store, "odd", {kPart + 13, kPart + 13, kPart + 13, 7}, {0, 1, 2, 3}, true);
    upload_in_order(store, "growing", {kPart, kPart + kMiB, kPart + 2 * kMiB, kPart + 3 * kMiB + 1}, {0, 1, 2, 3},
                    true);
    upload_in_order(store, "mixed", {kPart + kMiB, kPart, kPart + 2 * kMiB, kPart + 1, 99}, {4, 2, 0, 3, 1}, false);
}

void one_part(Instance& instance) {
    Store store(instance);
    upload_in_order(store, "small", {17}, {0}, true);
    upload_in_order(store, "big", {3 * kPart + 1}, {0}, false);
    upload_in_order(store, "empty", {0}, {0}, false);
}

void numbers_with_gaps(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    std::vector<Part> parts;
    for (const std::uint32_t number : {10'000U, 3U, 77U}) {
        parts.push_back(store.mp_put_part(key, id, number, {number, kPart}));
    }
    std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    store.mp_complete(key, id, parts);
    store.expect_object(key, {{3, kPart}, {77, kPart}, {10'000, kPart}});
}

void part_numbers_have_limits(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    imgsrv_error error;
    std::string etag;
    for (const std::uint32_t number : {0U, 10'001U, UINT32_MAX}) {
        Body body({1, 10});
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.mp_put_part(key, id, number, body, &etag, &error));
    }
}

void parts_in_parallel(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key, 9 * kPart + 5);
    std::vector<Part> parts(10);
    in_parallel(10, [&](int i) {
        const auto n = static_cast<std::uint32_t>(i);
        parts[n] = store.mp_put_part(key, id, n + 1, {n, n == 9 ? 5 : kPart});
    });
    store.mp_complete(key, id, parts);
    std::vector<Pattern> patterns;
    for (std::uint64_t i = 0; i < 10; ++i) patterns.push_back({i, i == 9 ? 5 : kPart});
    store.expect_object(key, patterns);
}

void parts_of_unknown_size(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    std::vector<Part> parts;
    for (std::uint32_t number = 1; number <= 3; ++number) {
        Part part{number, number == 3 ? 100 : kPart, {}};
        Body body({number, part.size});
        body.announce(-1).dribble(70'001);
        imgsrv_error error;
        IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_put_part(key, id, number, body, &part.etag, &error));
        IMGSRV_EXPECT(body.saw_end());
        parts.push_back(part);
    }
    store.mp_complete(key, id, parts);
    store.expect_object(key, {{1, kPart}, {2, kPart}, {3, 100}});
}

void a_part_sent_again_replaces(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key, 3 * kPart);
    std::vector<Part> parts;
    for (std::uint32_t number = 1; number <= 3; ++number) {
        parts.push_back(store.mp_put_part(key, id, number, {number, kPart}));
    }
    const auto old = parts[1];
    parts[1] = store.mp_put_part(key, id, 2, {22, kPart});
    IMGSRV_EXPECT(parts[1].etag != old.etag);
    auto with_old = parts;
    with_old[1] = old;
    imgsrv_error error;
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, store.mp_complete(key, id, with_old, nullptr, &error));
    parts[1] = store.mp_put_part(key, id, 2, {222, kPart + 11});
    store.mp_complete(key, id, parts);
    store.expect_object(key, {{1, kPart}, {222, kPart + 11}, {3, kPart}});
}

void a_part_sent_twice_at_once(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    std::vector<Part> sent(4);
    in_parallel(4, [&](int i) {
        sent[static_cast<std::size_t>(i)] = store.mp_put_part(key, id, 1, {static_cast<std::uint64_t>(i) + 1, kPart});
    });
    const auto second = store.mp_put_part(key, id, 2, {9, 50});
    // Exactly one of them is the part now.
    int accepted = 0;
    std::uint64_t winner = 0;
    for (std::uint64_t i = 0; i < sent.size(); ++i) {
        imgsrv_error error{};
        const auto code = store.mp_complete(key, id, {sent[i], second}, nullptr, &error);
        if (code == IMGSRV_OK)
            ++accepted, winner = i + 1;
        else
            IMGSRV_EXPECT(code == IMGSRV_FAILED_PRECONDITION);
        if (code == IMGSRV_OK) break;
    }
    IMGSRV_EXPECT(accepted == 1);
    store.expect_object(key, {{winner, kPart}, {9, 50}});
}

void a_failing_body_stores_no_part(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key, 2 * kPart);
    const auto kept = store.mp_put_part(key, id, 1, {1, kPart});
    imgsrv_error error;
    std::string etag;
    for (const std::uint32_t number : {1U, 2U}) {
        Body broken({5, kPart});
        broken.fail_at(3 * kMiB, IMGSRV_UNAVAILABLE);
        IMGSRV_EXPECT_CODE(IMGSRV_UNAVAILABLE, error, store.mp_put_part(key, id, number, broken, &etag, &error));
        Body wrong({5, kPart});
        wrong.fail_at(kPart, IMGSRV_INVALID_ARGUMENT);
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.mp_put_part(key, id, number, wrong, &etag, &error));
        Body shorter({5, 1000});
        shorter.announce(1001);
        IMGSRV_EXPECT_CODE(IMGSRV_INVALID_ARGUMENT, error, store.mp_put_part(key, id, number, shorter, &etag, &error));
    }
    const Part missing{2, kPart, kept.etag};
    IMGSRV_EXPECT_CODE(IMGSRV_FAILED_PRECONDITION, error, store.mp_complete(key, id, {kept, missing}, nullptr, &error));
    const auto second = store.mp_put_part(key, id, 2, {2, kPart});
    store.mp_complete(key, id, {kept, second});
    store.expect_object(key, {{1, kPart}, {2, kPart}});
}

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
    IMGSRV_EXPECT(!store.exists(key) && listed(store, id));
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
    IMGSRV_EXPECT(listed(store, id));
    imgsrv_error error;
    for (int i = 0; i < 2; ++i) IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.mp_abort(key, id, &error));
    IMGSRV_EXPECT(!listed(store, id));
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

void cancelled_parts_are_not_stored(Instance& instance) {
    Store store(instance);
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto kept = store.mp_put_part(key, id, 1, {1, kPart});
    Call call;
    Body body({2, kPart});
    body.at(2 * kMiB, [&] { call.cancel(); });
    imgsrv_error error;
    std::string etag;
    IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, store.mp_put_part(key, id, 1, body, &etag, &error, &call));
    Object object;
    IMGSRV_EXPECT_CODE(IMGSRV_CANCELLED, error, store.mp_complete(key, id, {kept}, &object, &error, &call));
    IMGSRV_EXPECT(!store.exists(key));
    store.mp_complete(key, id, {kept});
    store.expect_object(key, {{1, kPart}});
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
    IMGSRV_EXPECT(listed(store, id));
    parts.push_back(store.mp_put_part(key, id, 3, {3, kPart}));
    instance.restart();
    parts.push_back(store.mp_put_part(key, id, 4, {4, 9}));
    store.mp_complete(key, id, parts);
    store.expect_object(key, {{1, kPart}, {22, kPart}, {3, kPart}, {4, 9}});
}

void stored_parts_can_be_read(Instance& instance) {
    Store store(instance);
    store.part_reader();
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    const auto last = store.mp_put_part(key, id, 3, {3, 1001});
    const auto first = store.mp_put_part(key, id, 1, {1, kPart});
    const auto old = store.mp_put_part(key, id, 2, {2, kPart});
    const auto second = store.mp_put_part(key, id, 2, {22, kPart});
    imgsrv_error error;
    for (const auto& [part, seed] : {std::pair{last, 3}, {first, 1}, {second, 22}}) {
        for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1}, part.size - 1, part.size}) {
            Stream stream;
            IMGSRV_EXPECT_CODE(IMGSRV_OK, error, store.open_part(key, id, part, offset, &stream, &error));
            IMGSRV_EXPECT(stream.size() == static_cast<std::int64_t>(part.size - offset));
            stream.expect({{static_cast<std::uint64_t>(seed), part.size}}, offset);
        }
        Stream beyond;
        IMGSRV_EXPECT_CODE(IMGSRV_OUT_OF_RANGE, error, store.open_part(key, id, part, part.size + 1, &beyond, &error));
    }
    auto absent = first;
    absent.number = 4;
    for (const auto& part : {old, absent}) {
        Stream stream;
        IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.open_part(key, id, part, 0, &stream, &error));
    }
    store.mp_complete(key, id, {first, second, last});
    Stream stream;
    IMGSRV_EXPECT_CODE(IMGSRV_NOT_FOUND, error, store.open_part(key, id, first, 0, &stream, &error));
}

}  // namespace

Suite multipart_checks() {
    return {
        {"S20", "parts in order make the object", parts_in_order},
        {"S20", "parts in any order make the object", parts_in_any_order},
        {"S20", "parts of any size make the object", parts_of_any_size},
        {"S20", "one part, even an empty one, makes an object", one_part},
        {"S20", "numbers may have gaps", numbers_with_gaps},
        {"S21", "a part's number is 1 to 10000", part_numbers_have_limits},
        {"S22", "parts may come in parallel", parts_in_parallel},
        {"S22", "parts may be of unknown size", parts_of_unknown_size},
        {"S23", "a part sent again replaces the one before", a_part_sent_again_replaces},
        {"S23", "a part sent twice at once is one of them", a_part_sent_twice_at_once},
        {"S24", "a failing body stores no part and harms none", a_failing_body_stores_no_part},
        {"S25", "parts not named are dropped", parts_not_named_are_dropped},
        {"S26", "a wrong list names the part and changes nothing", wrong_lists_change_nothing},
        {"S27", "completion replaces the object and can be repeated", completion_replaces_and_repeats},
        {"S27", "completions at once agree", completions_at_once_agree},
        {"S28", "unknown uploads are NOT_FOUND", unknown_uploads_are_not_found},
        {"S29", "abort ends an upload, and repeats", abort_ends_an_upload},
        {"S29", "abort after completion keeps the object", abort_after_completion_keeps_the_object},
        {"S29", "abort meets a part on its way", abort_meets_a_part_on_its_way},
        {"S30", "open uploads are listed, by prefix", open_uploads_are_listed},
        {"S14", "a cancelled part is not stored", cancelled_parts_are_not_stored},
        {"S15", "uploads outlive a restart", uploads_outlive_a_restart},
        {"S31", "stored parts can be read before completion", stored_parts_can_be_read},
    };
}

}  // namespace imgsrv::conformance
