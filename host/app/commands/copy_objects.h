#pragma once

#include "services/housekeeping/storage_copy.h"

namespace imgsrv::app {

// A StorageCopy (services/housekeeping/storage_copy.h) with its progress on stderr: one line a second, over the last
// one on a terminal.
Result<services::StorageCopyProgress> copy_objects(const ports::Call& call, store::Pool& rows, store::Pool& live,
                                                   ports::ObjectStore& from, ports::ObjectStore& to,
                                                   const services::StorageCopyOptions& options);

// How much of it the target has, for a sentence: "everything", or that it is not.
const char* extent(const services::StorageCopyProgress& copied);

}  // namespace imgsrv::app
