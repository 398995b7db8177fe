#include "world/memory_store.h"

#include <algorithm>

#include "core/sha256.h"
#include "ports/text_reader.h"

namespace imgsrv::test {
namespace {

Status no_object(std::string_view key) {
    return {Code::not_found, "there is no object " + std::string(key)};
}

ports::ObjectInfo info_of(std::string_view key, std::string_view etag, std::uint64_t size, Time mtime) {
    return {std::string(key), std::string(etag), size, mtime};
}

// Everything up to the end, or the reader's failure.
Result<std::string> drain(ports::ByteReader& body) {
    std::string all;
    std::array<std::byte, 4096> block{};
    for (;;) {
        IMGSRV_ASSIGN(const std::size_t n, body.read(block));
        if (n == 0) return all;
        all.append(reinterpret_cast<const char*>(block.data()), n);
    }
}

class FaultyReader final : public ports::ByteReader {
  public:
    FaultyReader(std::string bytes, FaultScript<StoreCall>& faults) : text_(std::move(bytes)), faults_(faults) {}
    std::optional<std::uint64_t> size() const override { return text_.size(); }
    Result<std::size_t> read(std::span<std::byte> buffer) override {
        return faults_.run(StoreCall::read, [&] { return text_.read(buffer); });
    }

  private:
    ports::TextReader text_;
    FaultScript<StoreCall>& faults_;
};

}  // namespace

std::optional<std::string> MemoryStore::bytes(std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const auto it = objects_.find(key);
    return it == objects_.end() ? std::nullopt : std::optional(it->second.bytes);
}

std::vector<std::string> MemoryStore::keys() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> keys;
    for (const auto& [key, object] : objects_) keys.push_back(key);
    return keys;
}

void MemoryStore::set(std::string_view key, std::string bytes) {
    const std::lock_guard lock(mutex_);
    store(key, std::move(bytes));
}

void MemoryStore::erase(std::string_view key) {
    const std::lock_guard lock(mutex_);
    objects_.erase(std::string(key));
}

std::vector<std::string> MemoryStore::uploads() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, upload] : uploads_) ids.push_back(id);
    return ids;
}

Result<ports::ObjectInfo> MemoryStore::stat(const ports::Call&, std::string_view key) {
    return faults_.run(StoreCall::stat, [&]() -> Result<ports::ObjectInfo> {
        const std::lock_guard lock(mutex_);
        const auto it = objects_.find(key);
        if (it == objects_.end()) return no_object(key);
        return info_of(key, it->second.etag, it->second.bytes.size(), it->second.mtime);
    });
}

Result<ports::OpenedObject> MemoryStore::open(const ports::Call&, std::string_view key, std::string_view if_etag,
                                              std::uint64_t offset, std::optional<std::uint64_t> length) {
    return faults_.run(StoreCall::open, [&]() -> Result<ports::OpenedObject> {
        const std::lock_guard lock(mutex_);
        const auto it = objects_.find(key);
        if (it == objects_.end()) return no_object(key);
        const Object& object = it->second;
        if (!if_etag.empty() && if_etag != object.etag)
            return Status(Code::failed_precondition, "the object has another etag");
        if (offset > object.bytes.size()) return Status(Code::out_of_range, "the object ends before the offset");
        auto part = object.bytes.substr(offset, length.value_or(std::string::npos));
        return ports::OpenedObject{info_of(key, object.etag, object.bytes.size(), object.mtime),
                                   reader(std::move(part))};
    });
}

Result<ports::ObjectInfo> MemoryStore::put(const ports::Call&, std::string_view key, ports::ByteReader& body,
                                           ports::Overwrite mode) {
    return faults_.run(StoreCall::put, [&]() -> Result<ports::ObjectInfo> {
        IMGSRV_ASSIGN(auto all, drain(body));
        const std::lock_guard lock(mutex_);
        if (mode == ports::Overwrite::if_absent && objects_.contains(key))
            return Status(Code::already_exists, "there is an object " + std::string(key));
        return store(key, std::move(all));
    });
}

Result<ports::ObjectInfo> MemoryStore::copy(const ports::Call&, std::string_view from, std::string_view to,
                                            ports::Overwrite mode) {
    return faults_.run(StoreCall::copy, [&]() -> Result<ports::ObjectInfo> {
        const std::lock_guard lock(mutex_);
        const auto it = objects_.find(from);
        if (it == objects_.end()) return no_object(from);
        if (mode == ports::Overwrite::if_absent && objects_.contains(to))
            return Status(Code::already_exists, "there is an object " + std::string(to));
        return store(to, it->second.bytes);
    });
}

Status MemoryStore::remove(const ports::Call&, std::string_view key) {
    return faults_.run(StoreCall::remove, [&]() -> Status {
        erase(key);
        return {};
    });
}

Result<ports::ObjectPage> MemoryStore::list(const ports::Call&, std::string_view prefix, std::string_view start_after,
                                            std::uint32_t max) {
    return faults_.run(StoreCall::list, [&]() -> Result<ports::ObjectPage> {
        const std::lock_guard lock(mutex_);
        ports::ObjectPage page;
        for (const auto& [key, object] : objects_) {
            if (!key.starts_with(prefix) || key <= start_after) continue;
            if (page.objects.size() == max) {
                page.more = true;
                break;
            }
            page.objects.push_back(info_of(key, object.etag, object.bytes.size(), object.mtime));
        }
        return page;
    });
}

Result<std::string> MemoryStore::multipart_create(const ports::Call&, std::string_view key, std::uint64_t) {
    return faults_.run(StoreCall::multipart_create, [&]() -> Result<std::string> {
        const std::lock_guard lock(mutex_);
        std::string id = "upload-" + std::to_string(++last_upload_);
        uploads_[id] = {std::string(key), clock_.now(), {}};
        return id;
    });
}

Result<std::string> MemoryStore::put_part(const ports::Call&, std::string_view key, std::string_view upload_id,
                                          std::uint32_t number, ports::ByteReader& body) {
    return faults_.run(StoreCall::put_part, [&]() -> Result<std::string> {
        IMGSRV_ASSIGN(auto all, drain(body));
        const std::lock_guard lock(mutex_);
        IMGSRV_ASSIGN(Upload* const upload, find_upload(key, upload_id));
        std::string etag = sha256_hex(all).substr(0, 16);
        if (traits_.unique_part_etags) etag += "-" + std::to_string(++last_part_);
        upload->parts[number] = {std::move(all), etag, clock_.now()};
        return etag;
    });
}

Result<ports::ObjectInfo> MemoryStore::multipart_complete(const ports::Call&, std::string_view key,
                                                          std::string_view upload_id,
                                                          std::span<const ports::StoredPart> parts) {
    return faults_.run(StoreCall::multipart_complete, [&]() -> Result<ports::ObjectInfo> {
        const std::lock_guard lock(mutex_);
        IMGSRV_ASSIGN(Upload* const upload, find_upload(key, upload_id));
        std::string whole;
        for (const auto& part : parts) {
            const auto it = upload->parts.find(part.number);
            if (it == upload->parts.end() || it->second.etag != part.etag)
                return Status(Code::invalid_argument, "part " + std::to_string(part.number) + " is not here");
            whole += it->second.bytes;
        }
        uploads_.erase(std::string(upload_id));
        return store(key, std::move(whole));
    });
}

Status MemoryStore::multipart_abort(const ports::Call&, std::string_view, std::string_view upload_id) {
    return faults_.run(StoreCall::multipart_abort, [&]() -> Status {
        const std::lock_guard lock(mutex_);
        uploads_.erase(std::string(upload_id));
        return {};
    });
}

Result<std::vector<ports::MultipartUpload>> MemoryStore::multipart_list(const ports::Call&, std::string_view prefix) {
    return faults_.run(StoreCall::multipart_list, [&]() -> Result<std::vector<ports::MultipartUpload>> {
        const std::lock_guard lock(mutex_);
        std::vector<ports::MultipartUpload> list;
        for (const auto& [id, upload] : uploads_)
            if (upload.key.starts_with(prefix)) list.push_back({upload.key, id, upload.created});
        return list;
    });
}

Result<std::unique_ptr<ports::ByteReader>> MemoryStore::open_part(const ports::Call&, std::string_view key,
                                                                  std::string_view upload_id,
                                                                  const ports::StoredPart& part, std::uint64_t offset) {
    return faults_.run(StoreCall::open_part, [&]() -> Result<std::unique_ptr<ports::ByteReader>> {
        if (!traits_.can_open_part) return Status(Code::unimplemented, "parts of this store cannot be read");
        const std::lock_guard lock(mutex_);
        IMGSRV_ASSIGN(Upload* const upload, find_upload(key, upload_id));
        const auto it = upload->parts.find(part.number);
        if (it == upload->parts.end() || it->second.etag != part.etag) return no_object("of this part");
        if (offset > it->second.bytes.size()) return Status(Code::out_of_range, "the part ends before the offset");
        return reader(it->second.bytes.substr(offset));
    });
}

Result<UniqueFd> MemoryStore::open_fd(const ports::Call&, std::string_view) {
    return Status(Code::unimplemented, "this store has no descriptors");
}

Status MemoryStore::health(const ports::Call&) {
    return faults_.run(StoreCall::health, [] { return Status(); });
}

ports::ObjectInfo MemoryStore::store(std::string_view key, std::string bytes) {
    Object& object = objects_[std::string(key)];
    object = {std::move(bytes), "", clock_.now()};
    object.etag = sha256_hex(object.bytes).substr(0, 16);
    return info_of(key, object.etag, object.bytes.size(), object.mtime);
}

Result<MemoryStore::Upload*> MemoryStore::find_upload(std::string_view key, std::string_view upload_id) {
    const auto it = uploads_.find(upload_id);
    if (it == uploads_.end() || it->second.key != key)
        return Status(Code::not_found, "there is no upload " + std::string(upload_id));
    return &it->second;
}

std::unique_ptr<ports::ByteReader> MemoryStore::reader(std::string bytes) {
    return std::make_unique<FaultyReader>(std::move(bytes), faults_);
}

}  // namespace imgsrv::test
