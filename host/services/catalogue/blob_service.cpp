#include "services/catalogue/blob_service.h"

#include "core/log.h"
#include "store/catalogue/blobs.h"

namespace imgsrv::services {
namespace {

// If the store lacks a trusted blob, that is damage, not a bad request.
Status as_damage(Status status, const domain::Blob& blob) {
    if (status.code() != Code::not_found) return status;
    log::error("a trusted blob is missing in the object store", {{"digest", blob.digest}});
    return {Code::data_loss, "blob " + blob.digest + " is missing in the object store; upload it again"};
}

}  // namespace

Status BlobService::check_sound(const domain::Blob& blob) {
    if (!blob.damage) return {};
    return {Code::data_loss, "blob " + blob.digest + " is damaged and not served until it is uploaded again"};
}

Result<domain::Blob> BlobService::find(const ports::Call& call, std::string_view digest) {
    return pool_.read(call, [&](store::Transaction& tx) { return store::blobs::find(tx, digest); });
}

Result<BlobService::Source> BlobService::open(const ports::Call& call, const domain::Blob& blob, std::uint64_t offset,
                                              std::uint64_t length) {
    IMGSRV_TRY(check_sound(blob));
    if (objects_.can_open_fd()) {
        auto fd = objects_.open_fd(call, blob.storage_key);
        if (!fd.ok()) return as_damage(std::move(fd).status(), blob);
        return Source(std::move(fd).value());
    }
    IMGSRV_ASSIGN(auto reader, open_stream(call, blob, offset, length));
    return Source(std::move(reader));
}

Result<std::unique_ptr<ports::ByteReader>> BlobService::open_stream(const ports::Call& call, const domain::Blob& blob,
                                                                    std::uint64_t offset,
                                                                    std::optional<std::uint64_t> length) {
    IMGSRV_TRY(check_sound(blob));
    auto object = objects_.open(call, blob.storage_key, "", offset, length);
    if (!object.ok()) return as_damage(std::move(object).status(), blob);
    return std::move(object->body);
}

}  // namespace imgsrv::services
