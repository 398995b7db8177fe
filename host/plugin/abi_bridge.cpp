#include "plugin/abi_bridge.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "plugin/clean_text.h"

namespace imgsrv::plugin {
namespace {

const ports::Call& context(const imgsrv_call* call) {
    return *static_cast<const ports::Call*>(call->ctx);
}

std::int32_t is_cancelled(const imgsrv_call* call) noexcept {
    return context(call).cancelled() ? 1 : 0;
}
int cancel_fd(const imgsrv_call* call) noexcept {
    return context(call).cancel ? context(call).cancel->fd() : -1;
}

template <std::size_t N>
std::string text(const char (&from)[N]) {
    return clean_text({from, ::strnlen(from, N)});
}

bool known(imgsrv_code code) {
    constexpr imgsrv_code kUnassigned = 2;  // gRPC's UNKNOWN
    return code >= IMGSRV_CANCELLED && code <= IMGSRV_UNAUTHENTICATED && code != kUnassigned;
}

imgsrv_code abi_code(Code code) {
    switch (code) {
        case Code::too_large:
        case Code::unsupported_media_type:
            return IMGSRV_INVALID_ARGUMENT;
        case Code::too_many_requests:
            return IMGSRV_RESOURCE_EXHAUSTED;
        default:
            return static_cast<imgsrv_code>(code);
    }
}

// imgsrv_reader functions over an owned ByteReader.
std::int64_t read_from(ports::ByteReader& reader, void* buffer, std::size_t capacity, imgsrv_error* err,
                       Status* failure) {
    return sdk::guarded_count<std::int64_t>(err, [&]() -> std::int64_t {
        auto n = reader.read({static_cast<std::byte*>(buffer), capacity});
        if (n.ok()) return static_cast<std::int64_t>(*n);
        if (failure && failure->ok()) *failure = n.status();
        return -static_cast<std::int64_t>(report(n.status(), err));
    });
}

std::int64_t size_of(const ports::ByteReader& reader) {
    const auto size = reader.size();
    return size ? static_cast<std::int64_t>(*size) : -1;
}

}  // namespace

AbiCall::AbiCall(const ports::Call& call) {
    raw_.struct_size = sizeof raw_;
    if (call.deadline) {
        // steady_clock is CLOCK_MONOTONIC. 0 would mean "no deadline".
        const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(call.deadline->time_since_epoch()).count();
        raw_.deadline_ns = std::max<std::int64_t>(1, ns);
    }
    raw_.request_id = str(call.request_id);
    raw_.ctx = const_cast<ports::Call*>(&call);
    raw_.cancelled = is_cancelled;
    raw_.cancel_fd = cancel_fd;
}

const ports::Call& AbiCall::unwrap(const imgsrv_call* raw) noexcept {
    static const ports::Call kNone;
    return raw && raw->cancelled == is_cancelled ? context(raw) : kNone;
}

Status AbiError::status(imgsrv_code code) const {
    if (code == IMGSRV_OK) return {};
    std::string message = text(raw_.message);
    std::string detail = text(raw_.native);
    if (message.empty()) message = "the plugin gave no reason";
    if (!known(code)) {
        if (!detail.empty()) detail += ", ";
        detail += "unknown code " + std::to_string(code);
    }
    const bool db_known = raw_.db_class >= 0 && raw_.db_class <= static_cast<std::int32_t>(DbClass::syntax);
    return Status(known(code) ? static_cast<Code>(code) : Code::internal, std::move(message))
        .with_detail(std::move(detail))
        .with_retryable((raw_.flags & IMGSRV_ERR_RETRYABLE) != 0)
        .with_outcome_unknown((raw_.flags & IMGSRV_ERR_OUTCOME_UNKNOWN) != 0)
        .with_retry_after_ms(raw_.retry_after_ms)
        .with_db_class(db_known ? static_cast<DbClass>(raw_.db_class) : DbClass::none);
}

imgsrv_code report(const Status& status, imgsrv_error* err) noexcept {
    if (status.ok()) return IMGSRV_OK;
    const imgsrv_code code =
        sdk::detail::report(err, abi_code(status.code()), status.message(), status.detail(), status.retryable());
    if (err) {
        if (status.outcome_unknown()) err->flags |= IMGSRV_ERR_OUTCOME_UNKNOWN;
        err->retry_after_ms = status.retry_after_ms();
    }
    return code;
}

Result<std::string> StringResult::take(std::string_view what) && {
    if (!value_) return Status(Code::internal, "the plugin returned OK without " + std::string(what));
    return std::move(*value_);
}

LentRule::LentRule(const ports::Rule& rule) {
    claims_.reserve(rule.claims.size());
    for (const std::string& claim : rule.claims) claims_.push_back(str(claim));
    raw_ = {sizeof raw_,        0, str(rule.id), str(rule.issuer), str(rule.audience), claims_.data(), claims_.size(),
            str(rule.condition)};
}

LentReader::LentReader(ports::ByteReader& reader) : reader_(reader) {
    raw_.struct_size = sizeof raw_;
    raw_.size = size_of(reader);
    raw_.ctx = this;
    raw_.read = [](void* ctx, void* buffer, std::size_t capacity, imgsrv_error* err) noexcept -> std::int64_t {
        return static_cast<LentReader*>(ctx)->read(buffer, capacity, err);
    };
    raw_.rewind = [](void* ctx, imgsrv_error* err) noexcept -> imgsrv_code {
        return static_cast<LentReader*>(ctx)->rewind(err);
    };
    raw_.close = [](void*) noexcept {};
}

std::int64_t LentReader::read(void* buffer, std::size_t capacity, imgsrv_error* err) {
    return read_from(reader_, buffer, capacity, err, &failure_);
}

imgsrv_code LentReader::rewind(imgsrv_error* err) {
    return sdk::guarded(err, [&] {
        const Status status = reader_.rewind();
        if (status.ok()) failure_ = Status();
        return report(status, err);
    });
}

void give_reader(std::unique_ptr<ports::ByteReader> reader, imgsrv_reader* ret) noexcept {
    ret->flags = 0;
    ret->size = size_of(*reader);
    ret->read = [](void* ctx, void* buffer, std::size_t capacity, imgsrv_error* err) noexcept -> std::int64_t {
        return read_from(*static_cast<ports::ByteReader*>(ctx), buffer, capacity, err, nullptr);
    };
    ret->rewind = [](void* ctx, imgsrv_error* err) noexcept -> imgsrv_code {
        return sdk::guarded(err, [&] { return report(static_cast<ports::ByteReader*>(ctx)->rewind(), err); });
    };
    ret->close = [](void* ctx) noexcept { delete static_cast<ports::ByteReader*>(ctx); };
    ret->ctx = reader.release();
}

bool sound(const imgsrv_reader& reader) {
    return reader.read && reader.close;
}

}  // namespace imgsrv::plugin
