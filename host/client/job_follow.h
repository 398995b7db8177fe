#pragma once

#include <chrono>

#include "client/catalogue.h"
#include "client/reporter.h"
#include "core/status.h"

namespace imgsrv::client {

// Reports the steps of a publish job until it ends. OK if it succeeded; aborted, with the failed step's reason, if not;
// deadline if it does not end in time (the server carries on).
Status follow_job(Catalogue& catalogue, Reporter& reporter, Job job, std::chrono::milliseconds timeout);

}  // namespace imgsrv::client
