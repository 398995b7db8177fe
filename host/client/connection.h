#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/status.h"

namespace imgsrv::client {

// How to reach the server, as given on the command line. Empty members fall back to the environment.
struct ConnectionOptions {
    std::string server;          // IMGSRV_SERVER, else http://127.0.0.1:8080
    std::string token_file;      // IMGSRV_TOKEN holds the token itself; neither: anonymous
    std::string ca_certificate;  // PEM; SSL_CERT_FILE, else the system's authorities
    std::string retry_for = "5m";
    std::string inactivity_timeout = "60s";
};

// A server, resolved from the options. Shared by every HttpClient of a command.
struct Connection {
    std::string base_url;  // no slash at the end
    std::string token;     // empty: anonymous
    std::string ca_file;   // empty: the system's authorities
    // How long a call is retried after its first failure while the server is unavailable (connection lost or refused,
    // 429, 502, 503, 504). At most kFirstContact until the server has answered once: a wrong address must not cost
    // minutes.
    std::chrono::milliseconds retry_for{};
    // An attempt ends after this long without a byte in either direction.
    std::chrono::milliseconds inactivity{};

    // Called once per outage, when a call has failed twice, and once when the server answers again (OK). May be empty.
    // [any]
    std::function<void(const Status&)> on_outage;
    std::atomic<bool> answered{false};
    std::atomic<bool> away{false};

    static constexpr std::chrono::seconds kFirstContact{10};
};

// Reads the environment and the token file. invalid_argument names the wrong option or variable.
Result<std::shared_ptr<Connection>> resolve(const ConnectionOptions& options);

}  // namespace imgsrv::client
