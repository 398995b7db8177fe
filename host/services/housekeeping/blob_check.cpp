#include "services/housekeeping/blob_check.h"

#include <algorithm>
#include <thread>

#include "core/sha256.h"
#include "domain/digest.h"
#include "services/uploads/hash_stream.h"

namespace imgsrv::services {
namespace {

using Clock = std::chrono::steady_clock;

// Passes a stream on at a bounded rate.
class PacedReader final : public ports::ByteReader {
  public:
    PacedReader(const ports::Call& call, ports::ByteReader& source, const BlobCheck& how)
        : call_(call), source_(source), how_(how) {}

    std::optional<std::uint64_t> size() const override { return source_.size(); }

    Result<std::size_t> read(std::span<std::byte> buffer) override {
        // In small pieces, so that a low rate is even.
        const std::size_t piece =
            how_.rate == 0 ? buffer.size() : std::clamp<std::size_t>(how_.rate / 10, 4096, buffer.size());
        IMGSRV_ASSIGN(const std::size_t n, source_.read(buffer.first(std::min(piece, buffer.size()))));
        done_ += n;
        if (how_.read) *how_.read += n;
        IMGSRV_TRY(wait());
        return n;
    }

  private:
    Status wait() const {
        if (how_.rate == 0) return {};
        const auto until = began_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                                        static_cast<double>(done_) / static_cast<double>(how_.rate)));
        while (Clock::now() < until) {
            if (call_.cancelled()) return {Code::cancelled, "reading the blob was cancelled"};
            std::this_thread::sleep_for(std::min<Clock::duration>(until - Clock::now(), std::chrono::milliseconds(50)));
        }
        return {};
    }

    const ports::Call& call_;
    ports::ByteReader& source_;
    const BlobCheck& how_;
    const Clock::time_point began_ = Clock::now();
    std::uint64_t done_ = 0;
};

Result<std::optional<std::string>> look(const ports::Call& call, ports::ObjectStore& objects, const domain::Blob& blob,
                                        const BlobCheck& how) {
    using Damage = std::optional<std::string>;
    const auto info = objects.stat(call, blob.storage_key);
    if (info.status().code() == Code::not_found) return Damage("is missing in the object store");
    IMGSRV_TRY(info.status());
    if (info->size != blob.size)
        return Damage("has " + std::to_string(info->size) + " bytes in the object store instead of " +
                      std::to_string(blob.size));
    if (!how.read_bytes) return Damage();

    auto object = objects.open(call, blob.storage_key, "", 0, std::nullopt);
    if (object.status().code() == Code::not_found) return Damage("is missing in the object store");
    IMGSRV_TRY(object.status());
    Sha256 hash;
    PacedReader body(call, *object->body, how);
    const Status read = hash_stream(call, body, hash);
    if (read.code() == Code::data_loss) return Damage("cannot be read: " + std::string(read.message()));
    IMGSRV_TRY(read);
    // stat() found the whole object, so the connection was cut.
    if (hash.length() < blob.size)
        return Status(Code::unavailable, "the store ended the object " + blob.storage_key + " after " +
                                             std::to_string(hash.length()) + " of " + std::to_string(blob.size) +
                                             " bytes")
            .with_retryable();
    const auto found = domain::Digest::from_hex(hash.hex());
    if (found.text() == blob.digest) return Damage();
    return Damage("holds " + std::to_string(hash.length()) + " bytes that hash to " + found.text());
}

}  // namespace

Result<std::optional<std::string>> check_blob(const ports::Call& call, ports::ObjectStore& objects,
                                              const domain::Blob& blob, const BlobCheck& how) {
    IMGSRV_ASSIGN(auto first, look(call, objects, blob, how));
    if (!first) return first;
    return look(call, objects, blob, how);
}

}  // namespace imgsrv::services
