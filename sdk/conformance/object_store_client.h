#pragma once

#include <imgsrv/object_store.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "conformance/runner.h"

// What the checks of object stores are written with: bodies of any size that cost no memory, and the table's functions
// as C++ that keeps codes visible.
namespace imgsrv::conformance {

inline constexpr std::uint64_t kMiB = 1 << 20;
// The least S3 takes for a part that is not the last.
inline constexpr std::uint64_t kPart = 5 * kMiB;

// `size` bytes that follow from the seed: position i holds the same byte wherever and whenever it is asked for.
struct Pattern {
    std::uint64_t seed = 0;
    std::uint64_t size = 0;

    void fill(std::uint64_t offset, void* to, std::size_t n) const;
    std::string text() const;
};

// A stream of a pattern's bytes, with the faults a check asks for. The reader handed to the store counts its closes.
class Body {
  public:
    explicit Body(Pattern pattern);
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    ~Body();

    // Announce this size instead of the true one; -1: unknown.
    Body& announce(std::int64_t size);
    // Fail with the code when `offset` bytes were given; at the pattern's size it fails instead of the end.
    Body& fail_at(std::uint64_t offset, imgsrv_code code);
    // Run once when `offset` bytes were given.
    Body& at(std::uint64_t offset, std::function<void()> action);
    // Give at most this many bytes for each read.
    Body& dribble(std::size_t bytes);

    imgsrv_reader* reader() { return &reader_; }
    bool saw_end() const { return saw_end_; }

  private:
    std::int64_t read(void* to, std::size_t cap, imgsrv_error* error);

    Pattern pattern_;
    imgsrv_reader reader_{};
    std::uint64_t given_ = 0;
    std::optional<std::uint64_t> fail_offset_;
    imgsrv_code fail_code_ = IMGSRV_INTERNAL;
    std::uint64_t action_offset_ = 0;
    std::function<void()> action_;
    std::size_t step_ = SIZE_MAX;
    bool saw_end_ = false;
    bool closed_ = false;
};

struct Object {
    std::string key, etag;
    std::uint64_t size = 0;
    std::int64_t mtime_us = 0;
};

struct Part {
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    std::string etag;
};

struct OpenUpload {
    std::string key, id;
    std::int64_t created_us = 0;
};

struct Page {
    std::vector<Object> objects;
    bool more = false;
};

// The bytes a reader yields, checked against patterns that lie one after another. Closes it.
class Stream {
  public:
    Stream();
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    imgsrv_reader* raw() { return &reader_; }
    std::int64_t size() const { return reader_.size; }
    // The bytes from here to the end are exactly those of the patterns from `offset` on.
    void expect(const std::vector<Pattern>& patterns, std::uint64_t offset = 0);
    std::string read_all();
    // One read of at most n bytes; negative: minus a code.
    std::int64_t read(void* to, std::size_t n, imgsrv_error* error);
    bool can_rewind() const { return reader_.rewind != nullptr; }
    imgsrv_code rewind(imgsrv_error* error) { return reader_.rewind(reader_.ctx, error); }

  private:
    imgsrv_reader reader_{};
};

// One store under test, and a corner of its keys that nobody else uses; the corner is emptied at the end. The functions
// return the table's code and fill `error`; what has no code throws Failure unless the call succeeded.
class Store {
  public:
    explicit Store(Instance& instance);
    ~Store();

    // The same key for the same name, in this corner.
    std::string key(std::string_view name) const { return prefix_ + std::string(name); }
    const std::string& prefix() const { return prefix_; }
    const imgsrv_object_store& table() const { return table_; }
    void* self() const { return instance_.self(); }
    Instance& instance() const { return instance_; }
    Call& call() { return call_; }
    std::uint64_t caps() const { return table_.caps(self()); }
    // Throws NotOffered.
    const imgsrv_ext_store_local_fd& local_fd() const;
    const imgsrv_ext_store_part_reader& part_reader() const;
    const imgsrv_ext_store_part_limits& part_limits() const;

    imgsrv_code stat(std::string_view key, Object* out, imgsrv_error* error);
    imgsrv_code open(std::string_view key, std::string_view if_etag, std::uint64_t offset, std::int64_t length,
                     Stream* out, Object* info, imgsrv_error* error);
    imgsrv_code put(std::string_view key, Body& body, std::uint32_t flags, Object* out, imgsrv_error* error,
                    const Call* call = nullptr);
    imgsrv_code copy(std::string_view src, std::string_view if_src_etag, std::string_view dst, std::uint32_t flags,
                     Object* out, imgsrv_error* error);
    imgsrv_code remove(std::string_view key, imgsrv_error* error);
    imgsrv_code list(std::string_view prefix, std::string_view start_after, std::uint32_t max, Page* out,
                     imgsrv_error* error);
    imgsrv_code mp_create(std::string_view key, std::uint64_t expected_size, std::string* id, imgsrv_error* error);
    imgsrv_code mp_put_part(std::string_view key, std::string_view id, std::uint32_t number, Body& body,
                            std::string* etag, imgsrv_error* error, const Call* call = nullptr);
    imgsrv_code mp_complete(std::string_view key, std::string_view id, const std::vector<Part>& parts, Object* out,
                            imgsrv_error* error, const Call* call = nullptr);
    imgsrv_code mp_abort(std::string_view key, std::string_view id, imgsrv_error* error);
    imgsrv_code open_part(std::string_view key, std::string_view id, const Part& part, std::uint64_t offset,
                          Stream* out, imgsrv_error* error);

    Object put(std::string_view key, Pattern pattern);
    Object stat(std::string_view key);
    bool exists(std::string_view key);
    void expect_object(std::string_view key, const std::vector<Pattern>& patterns);
    Page list(std::string_view prefix, std::string_view start_after, std::uint32_t max);
    std::string mp_create(std::string_view key, std::uint64_t expected_size = 0);
    Part mp_put_part(std::string_view key, std::string_view id, std::uint32_t number, Pattern pattern);
    Object mp_complete(std::string_view key, std::string_view id, const std::vector<Part>& parts);
    std::vector<OpenUpload> mp_list(std::string_view prefix);
    // Whether mp_list() has an upload of this id.
    bool is_open(std::string_view id);

  private:
    template <class Table>
    const Table& extension(const char* id) const;

    Instance& instance_;
    const imgsrv_object_store& table_;
    Call call_;
    std::string prefix_;
};

imgsrv_str str(std::string_view text);

// Runs body(i) in n threads that start together; rethrows what one of them threw.
template <class F>
void in_parallel(int n, F&& body) {
    std::atomic<int> ready{0};
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(n));
    std::vector<std::thread> threads;
    threads.reserve(failures.size());
    for (int i = 0; i < n; ++i) {
        threads.emplace_back([&, i] {
            ++ready;
            while (ready.load() < n) std::this_thread::yield();
            try {
                body(i);
            } catch (...) {
                failures[static_cast<std::size_t>(i)] = std::current_exception();
            }
        });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace imgsrv::conformance
