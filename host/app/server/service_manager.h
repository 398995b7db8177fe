#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace imgsrv::app {

// Tells the service manager that started the process, such as systemd, about the process's state: the protocol of
// sd_notify(3) over the socket that $NOTIFY_SOCKET names. Without that variable it sends nothing. Drops what it cannot
// send within a second. [main]
class ServiceManager {
  public:
    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    ServiceManager();

    // status: one line for people.
    void ready(std::string_view status);
    // ready() follows.
    void reloading();
    void stopping(std::string_view status);
    // The process works. Expected at least once in each watchdog period.
    void alive();
    // None: there is no watchdog.
    std::optional<std::chrono::microseconds> watchdog_period() const { return period_; }

  private:
    void tell(const std::string& message);

    UniqueFd socket_;
    std::string address_;  // of the peer, as in sun_path
    std::optional<std::chrono::microseconds> period_;
};

}  // namespace imgsrv::app
