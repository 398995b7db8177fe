#include "services/catalogue/verified_reader.h"

#include "domain/digest.h"

namespace imgsrv::services {

Result<std::size_t> VerifiedReader::read(std::span<std::byte> buffer) {
    if (!failure_.ok()) return failure_;
    if (hash_.length() == size_ && size_ > 0) return std::size_t{0};
    auto n = source_.read(buffer);
    if (!n.ok()) {
        failure_ = n.status();
        return n;
    }
    hash_.update(buffer.first(*n));
    if (*n > 0 && hash_.length() < size_) return n;
    failure_ = check_end();
    if (!failure_.ok()) return failure_;
    return n;
}

Status VerifiedReader::check_end() {
    if (hash_.length() != size_)
        return {Code::data_loss,
                "the stream has " + std::to_string(hash_.length()) + " bytes instead of " + std::to_string(size_)};
    if (digest_.empty()) return {};
    const auto found = domain::Digest::from_hex(hash_.hex());
    if (found.text() == digest_) return {};
    return {Code::data_loss, "its bytes hash to " + found.text()};
}

}  // namespace imgsrv::services
