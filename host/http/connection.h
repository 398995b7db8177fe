#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/event_loop.h"
#include "http/inbox.h"
#include "http/request_cycle.h"
#include "http/request_head.h"
#include "http/server_context.h"
#include "http/socket_stream.h"
#include "http/timer_wheel.h"

namespace imgsrv::http {

class Listener;

// One client connection: receives request heads, has them handled, and sends the responses, one request at a time.
//
// Everything happens on the loop's thread, with one exception: while the state is `handling` or `refilling`, the cycle,
// the stream and the inbox belong to the worker that runs the handler or reads the stream. Each hand-over posts this
// object, never a descriptor, so that no response can reach another client.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(EventLoop& loop, ServerContext& server, const Listener& listener, std::uint64_t id, int fd,
               std::string peer);

    // All of these on the loop's thread.
    void start();
    // Instead of start(): 503, because the server is full.
    void refuse();
    void on_ready(bool readable);
    void on_timeout();
    // The server is stopping: closes now if no request is in flight, otherwise after the response.
    void drain();
    // The server has stopped waiting: closes now.
    void abort();

    std::uint64_t id() const { return id_; }
    int fd() const { return stream_.fd(); }

    // For the loop.
    TimerWheel::Timer timer;
    Interest interest = Interest::read;

  private:
    enum class State {
        sniffing,     // whether the client speaks TLS
        handshaking,  // TLS
        receiving,    // a head, or nothing yet
        collecting,   // a short body
        handling,     // a worker runs the handler
        sending,      // the response
        refilling,    // a worker reads what is to be sent next
        lingering,    // after the last response, until the client has read it
        closed,
    };

    void drive();
    // Each does what it can now; false when a worker has to go on or an event has to come first.
    bool step();
    bool sniff();
    bool handshake();
    bool receive_head();
    bool collect();
    bool send();
    bool linger();

    std::optional<std::string_view> receive();
    void handle(std::string_view head);
    void refuse_head(const HeadError& error);
    void respond(Response response);
    void dispatch();
    void run_handler();  // [worker]
    void handled();
    void start_refill();
    void refill();  // [worker]
    void refilled(const Status& status);
    void end_response();
    void close();

    EventLoop& loop_;
    ServerContext& server_;
    const Listener& listener_;
    const std::uint64_t id_;
    const Peer peer_;
    SocketStream stream_;
    Inbox inbox_;
    HeadScanner scanner_;
    std::unique_ptr<RequestCycle> cycle_;
    State state_ = State::receiving;
    Io blocked_on_ = Io::want_read;
    std::size_t in_flight_ = 0;  // when sending blocked
    bool readable_ = false;      // receiving may yield something
    bool head_timed_ = false;    // the timeout of the head is running
    bool aborted_ = false;       // closes as soon as the worker hands it back
};

}  // namespace imgsrv::http
