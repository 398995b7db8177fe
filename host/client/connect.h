#pragma once

#include <memory>

#include "client/connection.h"
#include "client/reporter.h"
#include "core/status.h"

namespace imgsrv::client {

// The connection of one command, with outages reported to the user. The reporter must outlive it. Ignores SIGPIPE, so
// that a lost peer is an error of a call.
Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options, Reporter& reporter);

}  // namespace imgsrv::client
