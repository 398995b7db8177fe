#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/cancel.h"
#include "core/status.h"
#include "core/unique_fd.h"
#include "ports/byte_reader.h"

namespace imgsrv::http {

enum class Method { get, head, post, put, del, options, other };
std::string_view to_string(Method method);

// Compares field names and other tokens, ignoring the case of ASCII letters.
bool same_token(std::string_view a, std::string_view b);
// Strips optional white space: spaces and tabs (RFC 9110, section 5.6.3).
std::string_view trim(std::string_view text);

// Header fields in the order of their arrival. Names compare without regard to case (RFC 9110, section 5.1).
class Headers {
  public:
    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    // Replaces every field of that name.
    void set(std::string_view name, std::string value);
    // The first field of that name; null when there is none.
    const std::string* find(std::string_view name) const;
    // Every field of that name joined with ", " (RFC 9110, section 5.2); empty when there is none.
    std::string joined(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

// One request whose head has arrived. Lives until its response is sent; used by one thread at a time.
struct Request {
    Method method = Method::other;
    std::string target;  // as sent
    std::string path;    // the target's path, still percent-encoded
    std::string query;   // what follows '?', still percent-encoded
    Headers headers;
    std::string peer;  // client address without port
    bool tls = false;
    std::string request_id;
    std::string_view route;  // the matching pattern, e.g. "/v1/uploads/{id}"; empty if there is none
    // Decoded path parameters in the pattern's order. A decoded NUL never gets here (400).
    std::vector<std::pair<std::string_view, std::string>> params;
    std::optional<std::uint64_t> content_length;  // absent with chunked framing or without a body
    bool has_body = false;
    CancelToken cancel;        // cancelled when a stopping server gives up waiting
    std::string principal_id;  // set by the handler, for the log

    // The parameter's decoded value. Requires that the route's pattern has it.
    const std::string& param(std::string_view name) const;
    // The decoded value of ?name=; none when absent. invalid_argument when it is not percent-encoded UTF-8.
    Result<std::optional<std::string>> query_value(std::string_view name) const;

    // The body, read from the socket straight into the caller's buffer. Only for handlers that run on a worker. The
    // first read sends "100 Continue" if the client waits for it. Errors: deadline when the client is silent for the
    // body timeout, cancelled when it hangs up, invalid_argument for a malformed chunk. Never null.
    std::unique_ptr<ports::ByteReader> body;
    // The whole body; too_large over `limit` bytes, by Content-Length before a byte is read.
    Result<std::string> read_body(std::size_t limit);
};

// [offset, offset + length) of an open file; sent with sendfile() unless the connection uses TLS.
struct FileBody {
    UniqueFd fd;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

// `length` bytes read on workers, one bounded chunk at a time, at the client's speed.
struct StreamBody {
    std::unique_ptr<ports::ByteReader> reader;
    std::uint64_t length = 0;
};

using Body = std::variant<std::monostate, std::string, std::shared_ptr<const std::string>, FileBody, StreamBody>;

// What to answer. The server adds Content-Length, Date, X-Request-Id, Connection, and leaves the body out for HEAD, 204
// and 304 (Content-Length of a HEAD is the body's).
struct Response {
    int status = 200;
    Headers headers;
    Body body;
    bool close = false;  // close the connection after it
};

}  // namespace imgsrv::http
