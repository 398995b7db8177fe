#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

using SSL = struct ssl_st;

namespace imgsrv::test {

struct Reply {
    int status = 0;                              // 0: the connection ended before
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    bool whole = false;  // the body has its announced length

    std::string header(const std::string& name) const {
        const auto it = headers.find(name);
        return it == headers.end() ? "" : it->second;
    }
};

struct TlsOptions {
    int version = 0;   // 0: any; else 0x0303 (1.2) or 0x0304 (1.3), exactly
    std::string alpn;  // one protocol; empty: none offered
};

// One connection that sends and receives exactly what a test tells it. Waits at most ten seconds for anything.
class HttpClient {
  public:
    // address: "127.0.0.1:80" or "[::1]:80". receive_buffer: SO_RCVBUF; 0: the default.
    explicit HttpClient(const std::string& address, int receive_buffer = 0);
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;

    bool connected() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    // False when the handshake fails.
    bool start_tls(const TlsOptions& options = {});
    SSL* ssl() const { return ssl_.get(); }

    // False when the bytes cannot be sent.
    bool send(std::string_view bytes);
    void finish_sending();
    // Closes with RST.
    void reset();

    // The next reply; body_expected is false for HEAD.
    Reply reply(bool body_expected = true);
    // The next bytes, at least one; empty at the end.
    std::string some();
    // Everything up to the end of the connection.
    std::string rest();
    // True when the server ends the connection without sending anything more.
    bool ended() { return rest().empty(); }
    // True when nothing arrives for that long and the connection stays open.
    bool silent(std::chrono::milliseconds time);

  private:
    struct FreeSsl {
        void operator()(SSL* ssl) const;
    };
    bool fill();

    UniqueFd fd_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
    std::string buffer_;
};

// A request without a body.
std::string get(std::string_view target, std::string_view fields = "");
// A request with a body and its Content-Length.
std::string with_body(std::string_view method, std::string_view target, std::string_view body,
                      std::string_view fields = "");

}  // namespace imgsrv::test
