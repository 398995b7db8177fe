#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/status.h"
#include "ports/call.h"
#include "ports/database.h"

namespace imgsrv::background {

// Hears what other nodes commit and hands it on at once. A shortcut: whoever depends on it looks for itself now and
// then, so that a notification may be missed. One thread at a time.
class NotificationListener {
  public:
    // handlers: by channel; they must return soon. The database must offer notifications and outlive the listener.
    NotificationListener(ports::Database& database, std::map<std::string, std::function<void()>> handlers);

    // A worker's piece of work: connects when there is no connection, and then every channel counts as notified; waits
    // for one notification, for half a minute at most. True.
    Result<bool> run_once(const ports::Call& call);

  private:
    Status connect(const ports::Call& call);

    ports::Database& database_;
    const std::map<std::string, std::function<void()>> handlers_;
    std::unique_ptr<ports::Connection> connection_;
};

}  // namespace imgsrv::background
