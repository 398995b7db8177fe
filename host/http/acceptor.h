#pragma once

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "core/status.h"
#include "core/unique_fd.h"
#include "http/event_loops.h"
#include "http/listener.h"

namespace imgsrv::http {

// The thread that accepts on all listeners and distributes the connections to the loops.
class Acceptor {
  public:
    Acceptor(ServerContext& server, EventLoops& loops, const std::vector<std::unique_ptr<Listener>>& listeners);
    // Calls stop().
    ~Acceptor();

    Status start();
    // Returns once nothing more is accepted and every accepted connection was handed over.
    void stop();

  private:
    void run();
    // False when the process is out of descriptors or memory, so that accepting must pause.
    bool accept_some(const Listener& listener);
    void shed(const Listener& listener);

    ServerContext& server_;
    EventLoops& loops_;
    const std::vector<std::unique_ptr<Listener>>& listeners_;
    UniqueFd wake_;
    // Released for a moment when descriptors run out, to accept one connection and close it, so that its client is
    // told.
    UniqueFd spare_;
    std::chrono::steady_clock::time_point warned_;
    std::thread thread_;
};

}  // namespace imgsrv::http
