#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/body_reader.h"
#include "http/inbox.h"
#include "http/rate_limiter.h"
#include "http/request_head.h"
#include "http/response_writer.h"
#include "http/server_context.h"
#include "http/socket_stream.h"

namespace imgsrv::http {

// Who is at the other end of a connection.
struct Peer {
    std::string address;             // without port
    RateLimiter::Client client = 0;  // set when requests are limited and the peer itself is the client
};

// One request and its response, from the head's arrival until the response was sent or given up. Knows nothing of who
// waits for the socket.
class RequestCycle {
  public:
    // server and peer outlive the cycle.
    RequestCycle(ServerContext& server, const Peer& peer, bool tls);
    // Tells the observer.
    ~RequestCycle();
    RequestCycle(const RequestCycle&) = delete;
    RequestCycle& operator=(const RequestCycle&) = delete;

    // Reads and judges the head. The answer, when a refusal or the route's fast handler settles it; otherwise the
    // request is for the route's handler.
    std::optional<Response> open(std::string_view head);
    // Instead of open(), for what is no request: the answer, after which the connection ends.
    Response refuse(const HeadError& error);
    // The body is a document short enough to be waited for before a worker is troubled.
    bool has_short_document() const;
    // Before the handler is run: counts the request against the limits on slow bodies and makes the body readable. The
    // refusal, when a limit is reached. stream and inbox outlive the cycle.
    std::optional<Response> admit_body(SocketStream& stream, Inbox& inbox);
    // [worker]
    void run_handler();

    // The client is gone, or the server gave up, in the middle of the body.
    bool body_cancelled() const { return body_ != nullptr && body_->failure() == Code::cancelled; }
    // What the handler answered.
    Response take_response();
    Response problem_of(int status, std::string_view detail) const;

    // Fixes the response; it goes out through writer(). `last`: the connection ends after it in any case.
    void respond(Response response, bool last);
    // The connection ends after the response.
    bool is_last() const { return last_; }
    // Requires respond().
    ResponseWriter& writer() { return *writer_; }
    // The whole response was handed to the kernel.
    void set_completed() { completed_ = true; }

    const Request& request() const { return request_; }

  private:
    // The refusal, when the client has sent more requests than it may.
    std::optional<Response> limit_rate();
    bool take_slot(std::atomic<std::size_t>& taken, std::size_t limit);

    ServerContext& server_;
    const Peer& peer_;
    Request request_;
    Framing framing_;
    const Route* route_ = nullptr;
    BodyReader* body_ = nullptr;                // request_.body
    std::atomic<std::size_t>* slot_ = nullptr;  // counts this cycle until its end
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::optional<Response> response_;  // the handler's
    std::optional<ResponseWriter> writer_;
    bool last_ = false;
    bool completed_ = false;
};

}  // namespace imgsrv::http
