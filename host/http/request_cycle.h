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

// The other end of a connection.
struct Peer {
    std::string address;             // without port
    RateLimiter::Client client = 0;  // set when requests are limited and the peer itself is the client
};

// One request and its response, from the arrival of the head until the response is sent or given up. Does not wait for
// the socket.
class RequestCycle {
  public:
    // server and peer outlive the cycle.
    RequestCycle(ServerContext& server, const Peer& peer, bool tls);
    // Tells the observer.
    ~RequestCycle();
    RequestCycle(const RequestCycle&) = delete;
    RequestCycle& operator=(const RequestCycle&) = delete;

    // Parses and checks the head. Returns the response if the request is refused or the route's fast handler answers
    // it; otherwise the route's handler has to run.
    std::optional<Response> open(std::string_view head);
    // Instead of open(), for a malformed request: the response, after which the connection ends.
    Response refuse(const HeadError& error);
    // The body is a document short enough to be collected before a worker gets it.
    bool has_short_document() const;
    // Before run_handler(): counts the request against the limits on slow bodies and makes the body readable. Returns
    // the refusal when a limit is reached. stream and inbox outlive the cycle.
    std::optional<Response> admit_body(SocketStream& stream, Inbox& inbox);
    // [worker]
    void run_handler();

    // The client hung up, or the server gave up, before the end of the body.
    bool body_cancelled() const { return body_ != nullptr && body_->failure() == Code::cancelled; }
    // The handler's response.
    Response take_response();
    Response problem_of(int status, std::string_view detail) const;

    // Sets the response, to be sent by writer(). `last`: the connection ends after it in any case.
    void respond(Response response, bool last);
    // The connection ends after the response.
    bool is_last() const { return last_; }
    // Requires respond().
    ResponseWriter& writer() { return *writer_; }
    // The whole response was handed to the kernel.
    void set_completed() { completed_ = true; }

    const Request& request() const { return request_; }

  private:
    // The refusal if the client has exceeded its rate limit.
    std::optional<Response> limit_rate();
    bool take_slot(std::atomic<std::size_t>& taken, std::size_t limit);

    ServerContext& server_;
    const Peer& peer_;
    Request request_;
    Framing framing_;
    const Route* route_ = nullptr;
    BodyReader* body_ = nullptr;                // request_.body
    std::atomic<std::size_t>* slot_ = nullptr;  // the counter that includes this cycle until its end
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::optional<Response> response_;  // the handler's
    std::optional<ResponseWriter> writer_;
    bool last_ = false;
    bool completed_ = false;
};

}  // namespace imgsrv::http
