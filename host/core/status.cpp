#include "core/status.h"

namespace imgsrv {

std::string_view to_string(Code code) {
    switch (code) {
        case Code::ok:
            return "ok";
        case Code::cancelled:
            return "cancelled";
        case Code::invalid_argument:
            return "invalid_argument";
        case Code::deadline:
            return "deadline";
        case Code::not_found:
            return "not_found";
        case Code::already_exists:
            return "already_exists";
        case Code::permission_denied:
            return "permission_denied";
        case Code::resource_exhausted:
            return "resource_exhausted";
        case Code::failed_precondition:
            return "failed_precondition";
        case Code::aborted:
            return "aborted";
        case Code::out_of_range:
            return "out_of_range";
        case Code::unimplemented:
            return "unimplemented";
        case Code::internal:
            return "internal";
        case Code::unavailable:
            return "unavailable";
        case Code::data_loss:
            return "data_loss";
        case Code::unauthenticated:
            return "unauthenticated";
        case Code::too_large:
            return "too_large";
        case Code::unsupported_media_type:
            return "unsupported_media_type";
        case Code::too_many_requests:
            return "too_many_requests";
    }
    return "internal";
}

Status::Status(Code code, std::string message) {
    if (code == Code::ok) return;
    rep_ = std::make_unique<Rep>();
    rep_->code = code;
    rep_->message = std::move(message);
}

Status::Status(const Status& other) : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}

Status& Status::operator=(const Status& other) {
    if (this != &other) rep_ = other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr;
    return *this;
}

Status&& Status::with_detail(std::string text) && {
    if (rep_) rep_->detail = std::move(text);
    return std::move(*this);
}

Status&& Status::with_retryable(bool value) && {
    if (rep_) rep_->retryable = value;
    return std::move(*this);
}

Status&& Status::with_outcome_unknown(bool value) && {
    if (rep_) rep_->outcome_unknown = value;
    return std::move(*this);
}

Status&& Status::with_retry_after_ms(std::uint32_t value) && {
    if (rep_) rep_->retry_after_ms = value;
    return std::move(*this);
}

Status&& Status::with_db_class(DbClass value) && {
    if (rep_) rep_->db_class = value;
    return std::move(*this);
}

Status&& Status::with_context(std::string_view what) && {
    if (rep_) rep_->message = std::string(what) + ": " + rep_->message;
    return std::move(*this);
}

std::string Status::describe() const {
    if (!rep_) return "ok";
    std::string text(to_string(rep_->code));
    text += ": ";
    text += rep_->message;
    if (!rep_->detail.empty()) text += " [" + rep_->detail + "]";
    return text;
}

}  // namespace imgsrv
