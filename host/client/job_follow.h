#pragma once

#include <chrono>

#include "client/catalogue.h"
#include "client/reporter.h"
#include "core/status.h"

namespace imgsrv::client {

// Reports each step of a publish job as it goes, until the job is over. OK when it succeeded; aborted, with the failed
// step's reason, when not; deadline when it is not over in time (it goes on without us).
Status follow_job(Catalogue& catalogue, Reporter& reporter, Job job, std::chrono::milliseconds timeout);

}  // namespace imgsrv::client
