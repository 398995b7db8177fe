#include "services/uploads/part_body.h"

#include <utility>

namespace imgsrv::services {

PartBody::PartBody(ports::ByteReader& source, PartsInFlight::Receipt& receipt, Sha256* running, Checks checks)
    : source_(source), receipt_(receipt), running_(running), checks_(std::move(checks)) {
    if (checks_.expected_hex) own_.emplace();
}

Result<std::size_t> PartBody::read(std::span<std::byte> buffer) {
    const Status replaced(Code::aborted, "a newer request for the same part has begun");
    if (receipt_.superseded()) return replaced;
    IMGSRV_ASSIGN(const std::size_t n, source_.read(buffer));
    if (n == 0) {
        if (own_ && own_->hex() != *checks_.expected_hex)
            return Status(Code::invalid_argument,
                          "the part's bytes hash to sha256:" + own_->hex() +
                              ", not to the digest that was sent with them, sha256:" + *checks_.expected_hex);
        if (!receipt_.set_whole()) return replaced;
        return n;
    }
    bytes_ += n;
    if (bytes_ > checks_.max_bytes) return Status(Code::too_large, checks_.too_large);
    if (running_) running_->update(buffer.first(n));
    if (own_) own_->update(buffer.first(n));
    return n;
}

}  // namespace imgsrv::services
