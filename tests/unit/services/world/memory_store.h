#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ports/object_store.h"
#include "world/fault_script.h"
#include "world/test_clock.h"

namespace imgsrv::test {

// read: one read() of a body that open() or open_part() gave out.
enum class StoreCall {
    stat,
    open,
    read,
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
    health
};

// What the store is able to do; the defaults are those of a store like the file system's.
struct MemoryStoreTraits {
    bool can_open_part = true;
    bool unique_part_etags = false;
    std::uint64_t least_part = 0;
};

// An object store that keeps everything in memory, holds to the contract of ports::ObjectStore, and fails when a test
// says so. Etags are digests of the bytes, so two parts of the same bytes have the same one, unless unique_part_etags.
// Objects and uploads take their times from the clock. [any]
class MemoryStore final : public ports::ObjectStore {
  public:
    // The clock outlives this.
    explicit MemoryStore(const TestClock& clock, MemoryStoreTraits traits = {}) : clock_(clock), traits_(traits) {}

    // fail_after() here is a store that did what it was asked and whose answer is lost.
    FaultScript<StoreCall>& faults() { return faults_; }

    // Behind the back of the services; none of it counts as a call, and none fails.
    std::optional<std::string> bytes(std::string_view key) const;  // none: there is no such object
    bool has(std::string_view key) const { return bytes(key).has_value(); }
    std::vector<std::string> keys() const;
    void set(std::string_view key, std::string bytes);  // replaces; its time is now
    void erase(std::string_view key);
    // Ids of the multipart uploads that are neither complete nor aborted.
    std::vector<std::string> uploads() const;

    Result<ports::ObjectInfo> stat(const ports::Call& call, std::string_view key) override;
    Result<ports::OpenedObject> open(const ports::Call& call, std::string_view key, std::string_view if_etag,
                                     std::uint64_t offset, std::optional<std::uint64_t> length) override;
    Result<ports::ObjectInfo> put(const ports::Call& call, std::string_view key, ports::ByteReader& body,
                                  ports::Overwrite mode) override;
    Result<ports::ObjectInfo> copy(const ports::Call& call, std::string_view from, std::string_view to,
                                   ports::Overwrite mode) override;
    Status remove(const ports::Call& call, std::string_view key) override;
    Result<ports::ObjectPage> list(const ports::Call& call, std::string_view prefix, std::string_view start_after,
                                   std::uint32_t max) override;
    Result<std::string> multipart_create(const ports::Call& call, std::string_view key,
                                         std::uint64_t expected_size) override;
    Result<std::string> put_part(const ports::Call& call, std::string_view key, std::string_view upload_id,
                                 std::uint32_t number, ports::ByteReader& body) override;
    Result<ports::ObjectInfo> multipart_complete(const ports::Call& call, std::string_view key,
                                                 std::string_view upload_id,
                                                 std::span<const ports::StoredPart> parts) override;
    Status multipart_abort(const ports::Call& call, std::string_view key, std::string_view upload_id) override;
    Result<std::vector<ports::MultipartUpload>> multipart_list(const ports::Call& call,
                                                               std::string_view prefix) override;
    bool can_open_part() const override { return traits_.can_open_part; }
    Result<std::unique_ptr<ports::ByteReader>> open_part(const ports::Call& call, std::string_view key,
                                                         std::string_view upload_id, const ports::StoredPart& part,
                                                         std::uint64_t offset) override;
    std::uint64_t least_part() const override { return traits_.least_part; }
    bool unique_part_etags() const override { return traits_.unique_part_etags; }
    bool can_open_fd() const override { return false; }
    Result<UniqueFd> open_fd(const ports::Call& call, std::string_view key) override;
    Status health(const ports::Call& call) override;

  private:
    struct Object {
        std::string bytes;
        std::string etag;
        Time mtime;
    };
    struct Upload {
        std::string key;
        Time created;
        std::map<std::uint32_t, Object> parts;
    };

    ports::ObjectInfo store(std::string_view key, std::string bytes);
    Result<Upload*> find_upload(std::string_view key, std::string_view upload_id);
    std::unique_ptr<ports::ByteReader> reader(std::string bytes);

    const TestClock& clock_;
    const MemoryStoreTraits traits_;
    FaultScript<StoreCall> faults_;
    mutable std::mutex mutex_;
    std::map<std::string, Object, std::less<>> objects_;
    std::map<std::string, Upload, std::less<>> uploads_;
    unsigned last_upload_ = 0;
    unsigned last_part_ = 0;
};

}  // namespace imgsrv::test
