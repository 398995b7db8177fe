#pragma once

#include <cstddef>
#include <functional>

namespace imgsrv::services {

// Runs `work` on this thread and on as many more, up to `threads` in all, as the system gives; returns once all have
// ended. Those that run it share out among themselves what there is to do. `work` must not throw.
void run_as_team(std::size_t threads, const std::function<void()>& work);

}  // namespace imgsrv::services
