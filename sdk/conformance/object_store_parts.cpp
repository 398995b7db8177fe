#include <algorithm>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

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
    IMGSRV_EXPECT(!store.is_open(id));
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

void equal_parts_have_unique_etags(Instance& instance) {
    Store store(instance);
    if ((store.caps() & IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS) == 0)
        throw NotOffered("IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS");
    const auto key = store.key("o");
    const auto id = store.mp_create(key);
    std::vector<std::string> etags(8);
    in_parallel(8, [&](int i) {
        const auto number = static_cast<std::uint32_t>(i / 4 + 1);
        etags[static_cast<std::size_t>(i)] = store.mp_put_part(key, id, number, {1, kPart}).etag;
    });
    etags.push_back(store.mp_put_part(key, id, 1, {1, kPart}).etag);
    std::sort(etags.begin(), etags.end());
    IMGSRV_EXPECT(std::adjacent_find(etags.begin(), etags.end()) == etags.end());
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

void add_part_checks(Suite& suite) {
    suite.insert(suite.end(), {{"S20", "parts in order make the object", parts_in_order},
                               {"S20", "parts in any order make the object", parts_in_any_order},
                               {"S20", "parts of any size make the object", parts_of_any_size},
                               {"S20", "one part, even an empty one, makes an object", one_part},
                               {"S20", "numbers may have gaps", numbers_with_gaps},
                               {"S21", "a part's number is 1 to 10000", part_numbers_have_limits},
                               {"S22", "parts may come in parallel", parts_in_parallel},
                               {"S22", "parts may be of unknown size", parts_of_unknown_size},
                               {"S23", "a part sent again replaces the one before", a_part_sent_again_replaces},
                               {"S23", "parts of equal bytes have etags of their own", equal_parts_have_unique_etags},
                               {"S23", "a part sent twice at once is one of them", a_part_sent_twice_at_once},
                               {"S24", "a failing body stores no part and harms none", a_failing_body_stores_no_part},
                               {"S14", "a cancelled part is not stored", cancelled_parts_are_not_stored},
                               {"S31", "stored parts can be read before completion", stored_parts_can_be_read}});
}

}  // namespace imgsrv::conformance
