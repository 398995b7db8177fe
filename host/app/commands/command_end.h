#pragma once

#include "core/status.h"

namespace imgsrv::app {

// Ends a command: prints nothing for OK, else the reason as one line on stderr. Returns the process's exit code: 0, or
// `failed`. [main]
int end_with(const Status& status, int failed = 1);

}  // namespace imgsrv::app
