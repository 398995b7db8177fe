#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace imgsrv::http {

// Finds the end of a request head in bytes that arrive piece by piece.
class HeadScanner {
  public:
    enum class Found { nothing, head, malformed };

    // `bytes` is everything received of this head so far; what was scanned before is not scanned again. A bare LF, or a
    // first byte that cannot start a method, is malformed at once, so that such a client need not wait for the timeout.
    Found scan(std::string_view bytes);
    // After Found::head: the length of the head, including its empty line.
    std::size_t length() const { return scanned_; }

  private:
    std::size_t scanned_ = 0;
    std::size_t line_ = 0;  // where the current line begins
};

// Why a head is refused, and the status to send before the connection is closed.
struct HeadError {
    int status = 400;
    std::string detail;
};

// What else a head says: how the message is framed, and what happens to the connection afterwards.
struct Framing {
    bool keep_alive = false;
    bool http11 = false;
    bool chunked = false;
    bool expects_continue = false;
    std::string method_name;  // as sent
};

// Fills method, target, path, query, headers, content_length and has_body of `request` from one whole head, including
// its empty line. Strict wherever leniency would let two parsers read a request differently (RFC 9112,
// sections 2.2, 3.2, 5.2, 6.3): bare LF, obs-fold, white space before the colon, several Content-Lengths,
// Content-Length with Transfer-Encoding, missing or repeated Host are refused. What was parsed before the error stays
// in `request`, for the log.
std::optional<HeadError> parse_head(std::string_view head, Request& request, Framing& framing);

inline constexpr std::size_t kMaxTarget = 8 * 1024;
inline constexpr std::size_t kMaxFields = 100;

}  // namespace imgsrv::http
