#include "services/uploads/end_gate.h"

#include <utility>

namespace imgsrv::services {

EndGate::EndGate(ports::ByteReader& source, Action before_end) : source_(source), before_end_(std::move(before_end)) {}

Result<std::size_t> EndGate::read(std::span<std::byte> buffer) {
    IMGSRV_TRY(failure_);
    if (passed_) return std::size_t{0};
    auto got = source_.read(buffer);
    failure_ = got.status();
    if (!got.ok() || *got > 0) return got;
    failure_ = before_end_();
    IMGSRV_TRY(failure_);
    passed_ = true;
    return got;
}

}  // namespace imgsrv::services
