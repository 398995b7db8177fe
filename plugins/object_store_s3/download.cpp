#include "download.h"

#include <algorithm>

#include "requests.h"

namespace imgsrv::s3 {
namespace {

// Reads come without a call: only the store's silence ends them.
const sdk::Call kNoCall(nullptr);

}  // namespace

Download::Download(Client& client, std::string key, std::string etag, std::uint64_t offset, std::uint64_t length,
                   std::unique_ptr<Transfer> transfer)
    : client_(client),
      key_(std::move(key)),
      etag_(std::move(etag)),
      offset_(offset),
      length_(length),
      transfer_(std::move(transfer)) {}

std::size_t Download::read(std::span<std::byte> buffer) {
    if (buffer.empty() || position_ == length_) return 0;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length_ - position_));
    // As long as there is progress in between, there may be any number of interruptions.
    for (int attempt = 1;; ++attempt) {
        if (!transfer_) reopen();
        try {
            const std::size_t n = transfer_->read(kNoCall, buffer.first(wanted));
            if (n == 0) throw TransportFailure(TransportFailure::Reason::broken, "the answer ended early");
            position_ += n;
            if (position_ == length_) {
                // Seeing the end of the answer lets the next request have the connection.
                std::byte none{};
                try {
                    transfer_->read(kNoCall, {&none, 1});
                } catch (const TransportFailure&) {  // all that was asked for is here
                }
                transfer_.reset();
            }
            return n;
        } catch (const TransportFailure& trouble) {
            transfer_.reset();
            if (attempt >= client_.settings().attempts) throw client_.failure(get_object(key_), trouble);
        }
    }
}

void Download::rewind() {
    position_ = 0;
    transfer_.reset();
}

void Download::reopen() {
    auto request = get_object(key_);
    request.headers["range"] = byte_range(offset_ + position_, offset_ + length_ - 1);
    request.headers["if-match"] = '"' + etag_ + '"';
    auto opened = client_.open(kNoCall, request);
    const auto& answer = opened.answer;
    if (answer.is(412, "PreconditionFailed") || answer.is(404, "NoSuchKey")) {
        throw sdk::Failure(IMGSRV_ABORTED, "the object was replaced or removed while it was read")
            .with_native("PreconditionFailed");
    }
    if (!opened.transfer) throw client_.failure(request, answer);
    const bool whole = answer.status == 200 && offset_ + position_ == 0;
    if (answer.status != 206 && !whole)
        throw sdk::Failure(IMGSRV_UNIMPLEMENTED, "the object store does not serve ranges of objects");
    transfer_ = std::move(opened.transfer);
}

}  // namespace imgsrv::s3
