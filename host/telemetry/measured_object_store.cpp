#include "telemetry/measured_object_store.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>

#include <array>
#include <chrono>
#include <type_traits>
#include <utility>

namespace imgsrv::telemetry {
namespace {

// In the order of kOperations.
enum class Operation {
    stat,
    open,
    put,
    copy,
    remove,
    list,
    multipart_create,
    put_part,
    multipart_complete,
    multipart_abort,
    multipart_list,
    open_part,
    open_fd,
    health
};
constexpr std::array kOperations = {"stat",
                                    "open",
                                    "put",
                                    "copy",
                                    "remove",
                                    "list",
                                    "multipart_create",
                                    "put_part",
                                    "multipart_complete",
                                    "multipart_abort",
                                    "multipart_list",
                                    "open_part",
                                    "open_fd",
                                    "health"};

// In the order of kOutcomes.
enum class Outcome { success, not_found, conflict, already_exists, invalid, canceled, error };
constexpr std::array kOutcomes = {"success", "not_found", "conflict", "already_exists", "invalid", "canceled", "error"};

Outcome outcome_of(Code code) {
    switch (code) {
        case Code::ok:
            return Outcome::success;
        case Code::not_found:
            return Outcome::not_found;
        case Code::failed_precondition:
        case Code::aborted:
            return Outcome::conflict;
        case Code::already_exists:
            return Outcome::already_exists;
        case Code::invalid_argument:
        case Code::out_of_range:
        case Code::too_large:
            return Outcome::invalid;
        case Code::cancelled:
            return Outcome::canceled;
        default:
            return Outcome::error;
    }
}

const prometheus::Histogram::BucketBoundaries kBounds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};

// All possible series, created at the start, so that counting needs no lookup.
class Counts {
  public:
    explicit Counts(prometheus::Registry& registry) {
        auto& operations = prometheus::BuildCounter()
                               .Name("imgsrv_objectstore_operations_total")
                               .Help("Operations on the object store, by outcome.")
                               .Register(registry);
        auto& durations = prometheus::BuildHistogram()
                              .Name("imgsrv_objectstore_operation_duration_seconds")
                              .Help("Duration of operations on the object store.")
                              .Register(registry);
        auto& bytes = prometheus::BuildCounter()
                          .Name("imgsrv_objectstore_bytes_total")
                          .Help("Bytes written to and read from the object store.")
                          .Register(registry);
        for (std::size_t i = 0; i < kOperations.size(); ++i) {
            const std::string operation = kOperations[i];
            durations_[i] = &durations.Add({{"operation", operation}}, kBounds);
            for (std::size_t j = 0; j < kOutcomes.size(); ++j)
                operations_[i][j] = &operations.Add({{"operation", operation}, {"outcome", kOutcomes[j]}});
        }
        const auto moved = [&](Operation operation, const char* direction) {
            const auto i = static_cast<std::size_t>(operation);
            bytes_[i] = &bytes.Add({{"operation", kOperations[i]}, {"direction", direction}});
        };
        moved(Operation::put, "write");
        moved(Operation::put_part, "write");
        moved(Operation::open, "read");
        moved(Operation::open_part, "read");
    }

    void done(Operation operation, Code code, std::chrono::nanoseconds duration) {
        const auto i = static_cast<std::size_t>(operation);
        operations_[i][static_cast<std::size_t>(outcome_of(code))]->Increment();
        durations_[i]->Observe(std::chrono::duration<double>(duration).count());
    }
    prometheus::Counter& bytes(Operation operation) { return *bytes_[static_cast<std::size_t>(operation)]; }

  private:
    std::array<std::array<prometheus::Counter*, kOutcomes.size()>, kOperations.size()> operations_{};
    std::array<prometheus::Histogram*, kOperations.size()> durations_{};
    std::array<prometheus::Counter*, kOperations.size()> bytes_{};
};

// Counts what is read through it.
class CountedReader : public ports::ByteReader {
  public:
    CountedReader(ports::ByteReader& source, prometheus::Counter& bytes) : source_(source), bytes_(bytes) {}

    std::optional<std::uint64_t> size() const override { return source_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        auto n = source_.read(buffer);
        if (n.ok()) bytes_.Increment(static_cast<double>(*n));
        return n;
    }
    Status rewind() override { return source_.rewind(); }

  private:
    ports::ByteReader& source_;
    prometheus::Counter& bytes_;
};

class OwnedCountedReader final : public CountedReader {
  public:
    OwnedCountedReader(std::unique_ptr<ports::ByteReader> source, prometheus::Counter& bytes)
        : CountedReader(*source, bytes), owned_(std::move(source)) {}

  private:
    std::unique_ptr<ports::ByteReader> owned_;
};

const Status& status_of(const Status& status) {
    return status;
}
template <class T>
const Status& status_of(const Result<T>& result) {
    return result.status();
}

class MeasuredObjectStore final : public ports::ObjectStore {
  public:
    MeasuredObjectStore(std::unique_ptr<ports::ObjectStore> store, prometheus::Registry& registry)
        : store_(std::move(store)), counts_(registry) {}

    Result<ports::ObjectInfo> stat(const ports::Call& call, std::string_view key) override {
        return timed(Operation::stat, [&] { return store_->stat(call, key); });
    }
    Result<ports::OpenedObject> open(const ports::Call& call, std::string_view key, std::string_view if_etag,
                                     std::uint64_t offset, std::optional<std::uint64_t> length) override {
        auto opened = timed(Operation::open, [&] { return store_->open(call, key, if_etag, offset, length); });
        if (opened.ok()) opened->body = counted(Operation::open, std::move(opened->body));
        return opened;
    }
    Result<ports::ObjectInfo> put(const ports::Call& call, std::string_view key, ports::ByteReader& body,
                                  ports::Overwrite mode) override {
        CountedReader bytes(body, counts_.bytes(Operation::put));
        return timed(Operation::put, [&] { return store_->put(call, key, bytes, mode); });
    }
    Result<ports::ObjectInfo> copy(const ports::Call& call, std::string_view from, std::string_view to,
                                   ports::Overwrite mode) override {
        return timed(Operation::copy, [&] { return store_->copy(call, from, to, mode); });
    }
    Status remove(const ports::Call& call, std::string_view key) override {
        return timed(Operation::remove, [&] { return store_->remove(call, key); });
    }
    Result<ports::ObjectPage> list(const ports::Call& call, std::string_view prefix, std::string_view start_after,
                                   std::uint32_t max) override {
        return timed(Operation::list, [&] { return store_->list(call, prefix, start_after, max); });
    }

    Result<std::string> multipart_create(const ports::Call& call, std::string_view key,
                                         std::uint64_t expected_size) override {
        return timed(Operation::multipart_create, [&] { return store_->multipart_create(call, key, expected_size); });
    }
    Result<std::string> put_part(const ports::Call& call, std::string_view key, std::string_view upload_id,
                                 std::uint32_t number, ports::ByteReader& body) override {
        CountedReader bytes(body, counts_.bytes(Operation::put_part));
        return timed(Operation::put_part, [&] { return store_->put_part(call, key, upload_id, number, bytes); });
    }
    Result<ports::ObjectInfo> multipart_complete(const ports::Call& call, std::string_view key,
                                                 std::string_view upload_id,
                                                 std::span<const ports::StoredPart> parts) override {
        return timed(Operation::multipart_complete,
                     [&] { return store_->multipart_complete(call, key, upload_id, parts); });
    }
    Status multipart_abort(const ports::Call& call, std::string_view key, std::string_view upload_id) override {
        return timed(Operation::multipart_abort, [&] { return store_->multipart_abort(call, key, upload_id); });
    }
    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call& call,
                                                               std::string_view prefix) override {
        return timed(Operation::multipart_list, [&] { return store_->multipart_list(call, prefix); });
    }

    bool can_open_part() const override { return store_->can_open_part(); }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call& call, std::string_view key,
                                                         std::string_view upload_id, const ports::StoredPart& part,
                                                         std::uint64_t offset) override {
        auto opened =
            timed(Operation::open_part, [&] { return store_->open_part(call, key, upload_id, part, offset); });
        if (opened.ok()) *opened = counted(Operation::open_part, std::move(*opened));
        return opened;
    }
    std::uint64_t least_part() const override { return store_->least_part(); }
    bool unique_part_etags() const override { return store_->unique_part_etags(); }
    bool can_open_fd() const override { return store_->can_open_fd(); }
    Result<UniqueFd> open_fd(const ports::Call& call, std::string_view key) override {
        return timed(Operation::open_fd, [&] { return store_->open_fd(call, key); });
    }
    Status health(const ports::Call& call) override {
        return timed(Operation::health, [&] { return store_->health(call); });
    }

  private:
    template <class F>
    std::invoke_result_t<const F&> timed(Operation operation, const F& f) {
        const auto started = std::chrono::steady_clock::now();
        auto result = f();
        counts_.done(operation, status_of(result).code(), std::chrono::steady_clock::now() - started);
        return result;
    }
    std::unique_ptr<ports::ByteReader> counted(Operation operation, std::unique_ptr<ports::ByteReader> body) {
        return std::make_unique<OwnedCountedReader>(std::move(body), counts_.bytes(operation));
    }

    const std::unique_ptr<ports::ObjectStore> store_;
    Counts counts_;
};

}  // namespace

std::unique_ptr<ports::ObjectStore> measure(std::unique_ptr<ports::ObjectStore> store, prometheus::Registry& registry) {
    return std::make_unique<MeasuredObjectStore>(std::move(store), registry);
}

}  // namespace imgsrv::telemetry
