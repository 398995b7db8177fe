#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "conformance/object_store.h"
#include "conformance/object_store_client.h"

namespace imgsrv::conformance {
namespace {

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

}  // namespace

void add_read_checks(Suite& suite) {
    suite.insert(suite.end(),
                 {{"S6", "an absent object is NOT_FOUND", absent_objects_are_not_found},
                  {"S7", "ranges are exact and clipped", ranges_are_exact},
                  {"S8", "open with an etag is conditional", open_is_conditional},
                  {"S9", "an open reader never mixes two versions", an_open_reader_never_mixes},
                  {"S9", "readers see one version while writers replace it", readers_see_one_version},
                  {"S10", "a rewound reader yields the same bytes", readers_rewind},
                  {"S17", "local descriptors hold the object, read-only", local_descriptors_hold_the_object}});
}

}  // namespace imgsrv::conformance
