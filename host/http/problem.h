#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "http/message.h"

namespace imgsrv::http {

// An RFC 9457 problem document: type about:blank, title (the status's phrase), status, detail, instance (request id).
// With 429 also statusCode, error and message, which clients of other servers read.
Response problem(int status, std::string_view detail, std::string_view request_id);

// The HTTP status for a code.
int http_status(Code code);

// The problem for a status that is not OK. The messages of internal and data_loss go to the log instead; unavailable
// adds Retry-After; unauthenticated adds WWW-Authenticate.
Response problem(const Status& status, std::string_view request_id);

}  // namespace imgsrv::http
