#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "client/connection.h"
#include "core/cancel.h"
#include "core/status.h"

namespace imgsrv::client {

// A part of an open file, sent as a request's body. Read with pread() as fast as the socket accepts it, never held in
// memory whole.
struct FileWindow {
    int fd = -1;  // borrowed for the call
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    // Bytes handed to the socket so far by all windows that share the counter; subtracted again when an attempt fails.
    std::atomic<std::int64_t>* sent = nullptr;
};

struct Call {
    std::string_view method = "GET";
    std::string path;                 // relative to the server's address, percent-encoded, with its query
    std::optional<std::string> json;  // the body as JSON text, or
    std::optional<FileWindow> file;   // the body as application/octet-stream
    // False: the call must not be carried out twice. It is then not repeated once it may have arrived.
    bool repeatable = true;
    CancelToken cancel;  // may be null; ends the call and its waits with Code::cancelled
};

struct Reply {
    int status = 0;
    std::map<std::string, std::string, std::less<>> headers;  // names in lower case
    std::string body;
};

// OK for 2xx. Otherwise the code that the server turns into that status, with the problem document's detail (RFC 9457)
// as message and the request id as detail; retryable for 429, 502, 503 and 504, with Retry-After as its hint.
Status status_of(const Reply& reply);

// One keep-alive connection to the server. One thread at a time; any number of clients may share a Connection.
class HttpClient {
  public:
    explicit HttpClient(std::shared_ptr<Connection> connection);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // The server's answer, whatever its status. Lost connections and retryable answers are retried within
    // Connection::retry_for; then the last failure is returned: unavailable (outcome_unknown when the request may have
    // been carried out). An untrusted server (TLS) is unavailable at once.
    Result<Reply> send(const Call& call);

    // The JSON document of a 2xx answer (null if it has no body), otherwise the answer's status_of().
    Result<nlohmann::json> json(const Call& call);
    Result<nlohmann::json> get(std::string path);

    const Connection& connection() const { return *connection_; }

  private:
    struct Curl;
    Result<Reply> attempt(const Call& call);

    std::shared_ptr<Connection> connection_;
    std::unique_ptr<Curl> curl_;
};

// One path segment, percent-encoded (RFC 3986, section 2.1).
std::string encode_segment(std::string_view text);

}  // namespace imgsrv::client
