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
    // Binds and loads the certificate; connections are taken once someone accepts.
    static Result<std::unique_ptr<Listener>> open(const ListenerOptions& options);

    int fd() const { return fd_.get(); }
    const std::string& address() const { return address_; }
    bool tls() const { return !options_.tls_certificate.empty(); }
    // The context for new connections; null without TLS. [any]
    TlsContext tls_context() const;
    // Reads certificate and key again; the old ones stay when that fails. [any]
    Status reload_tls();
    // No connection is accepted any more.
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

// Whether Listener::open() can make out an address of that form: invalid_argument otherwise. Asks nobody for names.
Status check_address(const std::string& address);

// "127.0.0.1", "::1"; an IPv4 client of a dual-stack socket as plain IPv4.
std::string address_text(const sockaddr_storage& address);

}  // namespace imgsrv::http
