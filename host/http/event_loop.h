#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

namespace imgsrv::http {

class Connection;

enum class Interest { none, read, write };

// What a connection asks of the event loop it lives on. Only on the loop's thread, except post().
class EventLoop {
  public:
    virtual ~EventLoop() = default;

    // Connection::on_ready is called as long as this is so (level triggered). With none, for a reset at most once.
    virtual void watch(Connection& connection, Interest interest) = 0;
    // Connection::on_timeout is called once, after the delay or up to two ticks of the timer wheel later.
    virtual void set_timeout(Connection& connection, std::chrono::milliseconds delay) = 0;
    // Closes the socket and forgets the connection.
    virtual void close(Connection& connection) = 0;
    // Memory shared by all connections of the loop; what is in it is lost when the connection returns to the loop.
    virtual std::span<std::byte> scratch() = 0;
    // Runs the task on the loop's thread, after those posted before. [any]
    virtual void post(std::function<void()> task) = 0;
};

}  // namespace imgsrv::http
