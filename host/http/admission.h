#pragma once

#include <optional>
#include <string_view>

#include "http/message.h"
#include "http/request_head.h"
#include "http/router.h"
#include "http/server.h"

namespace imgsrv::http {

// What the request's head alone decides: the route that handles it, or the answer.
struct Admission {
    const Route* route = nullptr;    // set when answer is not
    std::optional<Response> answer;  // 204 to OPTIONS, or a problem
};

// Checks a well-formed head before a byte of the body is accepted: method, path, and whether its route takes such a
// body. Fills request.route and request.params.
Admission admit(Request& request, const Framing& framing, const Router& router, const Limits& limits);

}  // namespace imgsrv::http
