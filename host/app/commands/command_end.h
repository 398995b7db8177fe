#pragma once

#include "core/status.h"

namespace imgsrv::app {

// How every command ends: with nothing for OK, else with the reason in a line on stderr. Returns the process's exit
// code: 0, or `failed`. [main]
int end_with(const Status& status, int failed = 1);

}  // namespace imgsrv::app
