#pragma once

#include <cstddef>
#include <functional>

namespace imgsrv::services {

// Runs `work` on this thread and on further ones, `threads` in all or as many as the system can start, and returns once
// all have ended. The runs share the work among themselves. `work` must not throw.
void run_as_team(std::size_t threads, const std::function<void()>& work);

}  // namespace imgsrv::services
