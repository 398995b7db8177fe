#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "http/router.h"

namespace imgsrv::http {

struct Limits {
    std::size_t head_bytes = 16 * 1024;        // request line and fields: 431, a target alone over 8 KiB: 414
    std::size_t document_bytes = 1024 * 1024;  // JSON bodies: 413
    std::uint64_t part_bytes = 5ULL << 30;     // streaming bodies: 413
    std::size_t loops = 0;                     // threads with an event loop; 0: one per processor, at least two
    std::size_t connections = 10'000;          // above it: 503 and close
    std::size_t workers = 256;                 // threads for blocking handlers, started when needed;
                                               // a quarter may wait for long documents: above it 503
    std::size_t uploads = 128;                 // concurrent streaming bodies: above it 503
    unsigned requests_per_minute = 0;          // per client address, on limited routes: 429; 0: unlimited
    unsigned trusted_hops = 0;                 // proxies trusted to report the client's address
    std::chrono::milliseconds handshake_timeout{5'000};
    std::chrono::milliseconds head_timeout{10'000};  // whole head, from its first byte (or from the accept)
    std::chrono::milliseconds idle_timeout{75'000};  // between requests
    std::chrono::milliseconds body_timeout{30'000};  // without a byte of the body
    std::chrono::milliseconds send_timeout{60'000};  // without the client taking a byte
};

struct ListenerOptions {
    std::string address;          // "127.0.0.1:8080", "[::1]:8080", ":8080" (every address, IPv6 and IPv4), port 0: any
    std::string tls_certificate;  // PEM chain; empty: plain HTTP
    std::string tls_key;          // PEM
};

// One answered request, for logs and metrics.
struct AccessRecord {
    const Request* request = nullptr;
    int status = 0;  // 0: the client hung up before there was a response
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;  // body
    std::chrono::nanoseconds duration{};
    bool completed = false;  // false: the client hung up before the whole response was handed to the kernel
};

// Notified of every response, on the thread that ended it, and of the loops' lag. Must be quick and thread-safe.
class Observer {
  public:
    virtual ~Observer() = default;
    virtual void on_access(const AccessRecord& record) = 0;
    // Called several times a second by each event loop: how late its timer fired.
    virtual void on_loop_lag(std::chrono::nanoseconds lag) = 0;
};

// The HTTP/1.1 server: listeners, event loops, workers. The memory held for a connection is bounded.
class Server {
  public:
    // observer may be null; router and observer outlive the server.
    Server(const Router& router, Limits limits, Observer* observer);
    // Calls stop(0), then waits for handlers that are still running.
    ~Server();

    // Binds. Requests are accepted after start(). [main]
    Status listen(const ListenerOptions& options);
    // The addresses actually bound, in the order of listen(): "127.0.0.1:41233". [main, after listen]
    std::vector<std::string> addresses() const;
    Status start();
    // Reloads certificates and keys; on error the old ones stay. [any]
    Status reload_tls();
    // Whether every event loop runs a small task within that time. [any, between start and stop]
    bool responsive(std::chrono::milliseconds patience) const;
    // Closes the listeners and idle connections, lets requests in flight finish until the deadline, then cancels them
    // and closes their connections. True if all finished. [main]
    bool stop(std::chrono::milliseconds deadline);
    // Requests whose head has arrived and whose response is not yet sent. [any]
    std::size_t active_requests() const;
    // Open connections, idle ones included. [any]
    std::size_t connections() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace imgsrv::http
