#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "client/http_client.h"

namespace imgsrv::client {
namespace {

// The reverse of the server's mapping of codes to statuses.
Code code_of(int status) {
    switch (status) {
        case 401:
            return Code::unauthenticated;
        case 403:
            return Code::permission_denied;
        case 404:
        case 410:
            return Code::not_found;
        case 409:
            return Code::already_exists;
        case 412:
            return Code::failed_precondition;
        case 413:
            return Code::too_large;
        case 415:
            return Code::unsupported_media_type;
        case 416:
            return Code::out_of_range;
        case 429:
            return Code::too_many_requests;
        case 502:
        case 503:
        case 504:
            return Code::unavailable;
        case 507:
            return Code::resource_exhausted;
        default:
            break;
    }
    return status >= 400 && status < 500 ? Code::invalid_argument : Code::internal;
}

// The server's text goes to a terminal, so control characters are removed.
std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
    return text;
}

std::string find(const Reply& reply, std::string_view name) {
    const auto it = reply.headers.find(name);
    return it == reply.headers.end() ? std::string() : it->second;
}

}  // namespace

Status status_of(const Reply& reply) {
    if (reply.status / 100 == 2) return {};
    std::string message;
    const auto problem = nlohmann::json::parse(reply.body, nullptr, false);
    if (problem.is_object()) {
        for (const char* member : {"detail", "title"})
            if (message.empty() && problem.contains(member) && problem[member].is_string())
                message = printable(problem[member].get<std::string>());
    }
    if (message.empty()) message = "the server answered " + std::to_string(reply.status);
    if (reply.status / 100 == 3)
        message += " and redirects to '" + printable(find(reply, "location")) + "'; redirects are not followed";

    Status status(code_of(reply.status), message);
    const std::string request_id = printable(find(reply, "x-request-id"));
    if (!request_id.empty()) status = std::move(status).with_detail("request " + request_id);
    if (reply.status == 429 || (reply.status >= 502 && reply.status <= 504)) {
        const std::string after = find(reply, "retry-after");
        std::uint32_t seconds = 0;  // the date form (RFC 9110, section 10.2.3) is ignored; imgsrv sends seconds
        std::from_chars(after.data(), after.data() + after.size(), seconds);
        status = std::move(status).with_retryable().with_retry_after_ms(std::min<std::uint32_t>(seconds, 3600) * 1000);
    }
    return status;
}

}  // namespace imgsrv::client
