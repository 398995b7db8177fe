#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/status.h"
#include "ports/call.h"
#include "ports/database.h"

namespace imgsrv::background {

// Hears what other nodes commit and passes it on at once. Notifications only save time and may be missed: their users
// poll as well. One thread at a time.
class NotificationListener {
  public:
    // handlers: by channel; they must return soon. The database must offer notifications and outlive the listener.
    NotificationListener(ports::Database& database, std::map<std::string, std::function<void()>> handlers);

    // A worker's piece of work: waits up to half a minute for one notification. When it had to connect first, it calls
    // every handler, since notifications may have been missed. Returns true.
    Result<bool> run_once(const ports::Call& call);

  private:
    Status connect(const ports::Call& call);

    ports::Database& database_;
    const std::map<std::string, std::function<void()>> handlers_;
    std::unique_ptr<ports::Connection> connection_;
};

}  // namespace imgsrv::background
