#include "http/problem.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "core/redaction.h"
#include "http/status_phrase.h"

namespace imgsrv::http {
namespace {

constexpr std::uint32_t kRetryAfterMs = 5'000;  // unless the status has a hint

}  // namespace

Response problem(int status, std::string_view detail, std::string_view request_id) {
    // It may echo what the client sent, for example a token in the wrong place.
    std::string safe(detail);
    redact(safe);
    nlohmann::ordered_json document = {{"type", "about:blank"}, {"title", status_phrase(status)}, {"status", status}};
    if (!safe.empty()) document["detail"] = safe;
    if (!request_id.empty()) document["instance"] = request_id;
    // Clients written for other servers' rate limits expect these.
    if (status == 429) {
        document["statusCode"] = status;
        document["error"] = status_phrase(status);
        document["message"] = safe;
    }
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "application/problem+json");
    response.headers.add("Cache-Control", "no-store");
    response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

int http_status(Code code) {
    switch (code) {
        case Code::ok:
            return 200;
        case Code::invalid_argument:
            return 400;
        case Code::unauthenticated:
            return 401;
        case Code::permission_denied:
            return 403;
        case Code::not_found:
            return 404;
        case Code::already_exists:
        case Code::aborted:
            return 409;
        case Code::failed_precondition:
            return 412;
        case Code::too_large:
            return 413;
        case Code::unsupported_media_type:
            return 415;
        case Code::out_of_range:
            return 416;
        case Code::too_many_requests:
            return 429;
        case Code::unimplemented:
            return 501;
        case Code::unavailable:
        case Code::deadline:
        case Code::cancelled:
            return 503;
        case Code::resource_exhausted:
            return 507;
        case Code::internal:
        case Code::data_loss:
            break;
    }
    return 500;
}

Response problem(const Status& status, std::string_view request_id) {
    const int number = http_status(status.code());
    if (number == 500) {
        log::error("request failed", {{"request_id", request_id}, {"error", status.describe()}});
        return problem(number, "internal error; the server's log has the cause under this request id", request_id);
    }
    Response response = problem(number, status.message(), request_id);
    if (number == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"imgsrv\"");
    if (number == 503 || number == 429) {
        const std::uint32_t ms = status.retry_after_ms() != 0 ? status.retry_after_ms() : kRetryAfterMs;
        response.headers.add("Retry-After", std::to_string(std::max(1U, (ms + 999) / 1000)));
    }
    return response;
}

}  // namespace imgsrv::http
