#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>

#include "core/status.h"
#include "core/unique_fd.h"
#include "http/server_context.h"

namespace imgsrv::http {

class Connection;
class Listener;

// A connection fresh from accept(), on its way to a loop.
struct Accepted {
    UniqueFd fd;  // non-blocking
    sockaddr_storage address{};
    const Listener* listener = nullptr;
    bool refused = false;  // over the limit: answered with 503
};

// The event loops: Pistache's reactor with its threads and epoll descriptors. Every connection lives on one of them.
class EventLoops {
  public:
    EventLoops(ServerContext& server, std::size_t threads);
    // Calls stop().
    ~EventLoops();

    // Returns once every loop runs.
    Status start();
    // Gives the connection to the loop with the fewest connections. [any]
    void adopt(Accepted accepted);
    // Adopted connections that are still open. [any]
    std::size_t connections() const;
    // Calls the member function on every connection, each on its own loop's thread; does not wait. [any]
    void for_each(void (Connection::*call)());
    // Whether every loop runs a task within that time. A hanging loop does not hold the caller any longer. [any]
    bool answer_within(std::chrono::milliseconds patience) const;
    // Ends the threads. No connection may be open and nothing more may be adopted.
    void stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace imgsrv::http
