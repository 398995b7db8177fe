#pragma once

#include <memory>

#include "client/connection.h"
#include "client/reporter.h"
#include "core/status.h"

namespace imgsrv::client {

// The connection of one command: resolved, with outages told to the user through the reporter, which must outlive it.
// From here on a lost peer is an error of a call, not a SIGPIPE.
Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options, Reporter& reporter);

}  // namespace imgsrv::client
