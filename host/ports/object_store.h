#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "core/unique_fd.h"
#include "ports/byte_reader.h"
#include "ports/call.h"

namespace imgsrv::ports {

struct ObjectInfo {
    std::string key;
    std::string etag;
    std::uint64_t size = 0;
    Time mtime;
};

struct OpenedObject {
    ObjectInfo info;  // size is the whole object's
    std::unique_ptr<ByteReader> body;
};

// One accepted part of a multipart upload. number is 1…10000.
struct StoredPart {
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    std::string etag;
};

struct MultipartUpload {
    std::string key;
    std::string upload_id;
    Time created;
};

struct ObjectPage {
    std::vector<ObjectInfo> objects;  // in key order
    bool more = false;
};

enum class Overwrite { replace, if_absent };

// Where bytes live. Every function may block and may be called from several threads at once.
// Errors: unavailable (retryable) when the store cannot be reached, resource_exhausted when it is full.
class ObjectStore {
  public:
    virtual ~ObjectStore() = default;

    virtual Result<ObjectInfo> stat(const Call& call, std::string_view key) = 0;
    // No length: to the end. Empty if_etag: any object; otherwise failed_precondition on a mismatch. out_of_range when
    // offset is beyond the end.
    virtual Result<OpenedObject> open(const Call& call, std::string_view key, std::string_view if_etag,
                                      std::uint64_t offset, std::optional<std::uint64_t> length) = 0;
    // The object appears whole or not at all, even after a crash. already_exists with if_absent.
    virtual Result<ObjectInfo> put(const Call& call, std::string_view key, ByteReader& body, Overwrite mode) = 0;
    // Within the store; any size.
    virtual Result<ObjectInfo> copy(const Call& call, std::string_view from, std::string_view to, Overwrite mode) = 0;
    // Absent is OK.
    virtual Status remove(const Call& call, std::string_view key) = 0;
    virtual Result<ObjectPage> list(const Call& call, std::string_view prefix, std::string_view start_after,
                                    std::uint32_t max) = 0;

    // expected_size 0: unknown. Returns the upload's id.
    virtual Result<std::string> multipart_create(const Call& call, std::string_view key,
                                                 std::uint64_t expected_size) = 0;
    // Durable when it returns. Sending a number again replaces that part. Returns the part's etag.
    virtual Result<std::string> put_part(const Call& call, std::string_view key, std::string_view upload_id,
                                         std::uint32_t number, ByteReader& body) = 0;
    // parts in ascending order of number. The object appears whole, with exactly these parts.
    virtual Result<ObjectInfo> multipart_complete(const Call& call, std::string_view key, std::string_view upload_id,
                                                  std::span<const StoredPart> parts) = 0;
    // Absent is OK.
    virtual Status multipart_abort(const Call& call, std::string_view key, std::string_view upload_id) = 0;
    virtual Result<std::vector<MultipartUpload>> multipart_list(const Call& call, std::string_view prefix) = 0;

    // True when open_part() works: accepted parts can be read before the upload is complete.
    virtual bool can_open_part() const = 0;
    virtual Result<std::unique_ptr<ByteReader>> open_part(const Call& call, std::string_view key,
                                                          std::string_view upload_id, const StoredPart& part,
                                                          std::uint64_t offset) = 0;
    // The smallest size in bytes of every part but the last; 0: unknown.
    virtual std::uint64_t least_part() const = 0;
    // True when no two put_part() of one upload return the same etag, whatever the bytes.
    virtual bool unique_part_etags() const = 0;
    // True when open_fd() works: the store can hand out a local descriptor for sendfile().
    virtual bool can_open_fd() const = 0;
    virtual Result<UniqueFd> open_fd(const Call& call, std::string_view key) = 0;

    virtual Status health(const Call& call) = 0;
};

}  // namespace imgsrv::ports
