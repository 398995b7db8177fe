#pragma once

#include "core/status.h"

namespace imgsrv::store {

// Whether a transaction that ended so lost against others and is worth another attempt: nothing of it was committed.
bool asks_to_repeat(const Status& status);
// Waits before the attempt after this one (from 1), by chance, so that those who met do not meet again; 128 ms at most.
void pause_before(int attempt);

}  // namespace imgsrv::store
