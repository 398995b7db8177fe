#pragma once

#include "core/status.h"

namespace imgsrv::store {

// Whether a transaction lost against another one and should be repeated: nothing of it was committed.
bool asks_to_repeat(const Status& status);
// Sleeps after this attempt (from 1) for a random time, 128 ms at most, so that transactions that met do not meet
// again.
void pause_before(int attempt);

}  // namespace imgsrv::store
