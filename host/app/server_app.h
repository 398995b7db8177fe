#pragma once

#include <memory>

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
    // Reads certificates again.
    void reload();
    // Not ready from now on; requests in flight get shutdown-timeout, steps hand their leases back.
    void stop();

  private:
    struct Parts;
    const config::Settings& settings_;
    std::unique_ptr<Parts> parts_;
};

}  // namespace imgsrv::app
