#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

namespace imgsrv::http {

class Connection;

enum class Interest { none, read, write };

// What a connection needs from its event loop. All on the loop's thread, except post().
class EventLoop {
  public:
    virtual ~EventLoop() = default;

    // Connection::on_ready is called as long as the socket is ready (level triggered). With none, a reset is reported
    // at most once.
    virtual void watch(Connection& connection, Interest interest) = 0;
    // Calls Connection::on_timeout once, after the delay or up to two ticks of the timer wheel later.
    virtual void set_timeout(Connection& connection, std::chrono::milliseconds delay) = 0;
    // Closes the socket and forgets the connection.
    virtual void close(Connection& connection) = 0;
    // Memory shared by all connections of the loop; its content is lost when the connection returns to the loop.
    virtual std::span<std::byte> scratch() = 0;
    // Runs the task on the loop's thread, after the tasks posted before it. [any]
    virtual void post(std::function<void()> task) = 0;
};

}  // namespace imgsrv::http
