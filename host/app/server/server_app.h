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

    // Loads plugins, migrates the database, starts workers and listeners. OK: the server is ready.
    Status start();
    // Reads the certificates again; on error the old ones stay in use.
    Status reload();
    // The addresses of the listeners, as a sentence for people. [after start]
    std::string listens_on() const;
    // Whether every event loop answers in that time. [after start]
    bool responsive(std::chrono::milliseconds patience) const;
    // Stops being ready; gives requests in flight shutdown-timeout to finish; steps release their leases.
    void stop();

  private:
    struct Parts;
    const config::Settings& settings_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace imgsrv::app
