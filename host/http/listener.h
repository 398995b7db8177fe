#pragma once

#include <sys/socket.h>

#include <mutex>
#include <string>

#include "core/status.h"
#include "core/unique_fd.h"
#include "http/server.h"
#include "http/tls_context.h"

namespace imgsrv::http {

// One bound address.
class Listener {
  public:
    // Binds and loads the certificate. Connections wait until they are accepted.
    static Result<std::unique_ptr<Listener>> open(const ListenerOptions& options);

    int fd() const { return fd_.get(); }
    const std::string& address() const { return address_; }
    bool tls() const { return !options_.tls_certificate.empty(); }
    // The context for new connections; null without TLS. [any]
    TlsContext tls_context() const;
    // Reloads certificate and key; on failure the old ones stay in use. [any]
    Status reload_tls();
    // Stops listening.
    void close() { fd_.reset(); }

  private:
    explicit Listener(ListenerOptions options) : options_(std::move(options)) {}
    Status bind();

    const ListenerOptions options_;
    UniqueFd fd_;
    std::string address_;
    mutable std::mutex mutex_;
    TlsContext context_;
};

// Checks the form of an address for Listener::open(); invalid_argument if it is malformed. Performs no DNS lookup.
Status check_address(const std::string& address);

// "127.0.0.1", "::1"; an IPv4 client of a dual-stack socket as plain IPv4.
std::string address_text(const sockaddr_storage& address);

}  // namespace imgsrv::http
