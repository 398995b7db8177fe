#include "http/admission.h"

#include <algorithm>
#include <array>

#include "http/problem.h"

namespace imgsrv::http {
namespace {

// Methods of RFC 9110 and RFC 5789 that no route has get 405; any other name gets 501.
bool is_standard(std::string_view method) {
    static constexpr std::array<std::string_view, 3> kNames = {"CONNECT", "TRACE", "PATCH"};
    return std::find(kNames.begin(), kNames.end(), method) != kNames.end();
}

Response allowed(std::string allow) {
    Response response;
    response.status = 204;
    response.headers.add("Allow", std::move(allow));
    return response;
}

std::optional<Response> refuse_body(const Request& request, BodyKind kind, const Limits& limits) {
    if (!request.has_body) return std::nullopt;
    if (kind == BodyKind::none) return problem(400, "this resource accepts no request body", request.request_id);
    const std::uint64_t limit = kind == BodyKind::document ? limits.document_bytes : limits.part_bytes;
    if (request.content_length.value_or(0) <= limit) return std::nullopt;
    return problem(413,
                   "the body is " + std::to_string(*request.content_length) + " bytes; at most " +
                       std::to_string(limit) + " are accepted here",
                   request.request_id);
}

}  // namespace

Admission admit(Request& request, const Framing& framing, const Router& router, const Limits& limits) {
    const auto refuse = [&](int status, std::string_view detail) {
        return Admission{nullptr, problem(status, detail, request.request_id)};
    };
    const std::string& method = framing.method_name;
    if (request.method == Method::other && !is_standard(method)) return refuse(501, "unknown method " + method);
    if (request.path == "*") return {nullptr, allowed("GET, HEAD, POST, PUT, DELETE, OPTIONS")};
    if (method == "CONNECT") {
        Admission refused = refuse(405, "this server is not a proxy");
        refused.answer->headers.add("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
        return refused;
    }

    auto matched = router.match(request.method, request.path);
    if (!matched.ok()) return refuse(400, matched.status().message());
    if (matched->route == nullptr) {
        if (matched->allow.empty()) return refuse(404, "nothing is at this path");
        if (request.method == Method::options) return {nullptr, allowed(matched->allow + ", OPTIONS")};
        Admission refused = refuse(405, "this path does not support " + method + "; it supports " + matched->allow);
        refused.answer->headers.add("Allow", std::move(matched->allow));
        return refused;
    }
    const Route& route = *matched->route;
    request.route = route.pattern;
    request.params = std::move(matched->params);
    if (auto refused = refuse_body(request, route.body, limits)) return {nullptr, std::move(refused)};
    return {&route, std::nullopt};
}

}  // namespace imgsrv::http
