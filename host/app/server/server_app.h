#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "config/settings.h"
#include "core/status.h"

namespace imgsrv::app {

// The running server: everything wired together. [main]
class ServerApp {
  public:
    explicit ServerApp(const config::Settings& settings);
    ~ServerApp();

    // Loads plugins, brings the database up to date, starts workers and listeners. The server is ready when it returns
    // OK.
    Status start();
    // Reads certificates again; on error the old ones stay.
    Status reload();
    // The addresses that are listened on, as a sentence for people. [after start]
    std::string listens_on() const;
    // Whether every event loop answers within that time. [after start]
    bool responsive(std::chrono::milliseconds patience) const;
    // Not ready from now on; requests in flight get shutdown-timeout, steps hand their leases back.
    void stop();

  private:
    struct Parts;
    const config::Settings& settings_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace imgsrv::app
