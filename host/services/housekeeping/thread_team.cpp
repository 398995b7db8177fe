#include "services/housekeeping/thread_team.h"

#include <system_error>
#include <thread>
#include <vector>

#include "core/log.h"

namespace imgsrv::services {

void run_as_team(std::size_t threads, const std::function<void()>& work) {
    std::vector<std::thread> others;
    others.reserve(threads);
    try {
        while (others.size() + 1 < threads) others.emplace_back([&work] { work(); });
    } catch (const std::system_error& error) {
        log::warn("fewer threads than requested",
                  {{"threads", static_cast<std::int64_t>(others.size() + 1)}, {"error", error.what()}});
    }
    work();
    for (auto& thread : others) thread.join();
}

}  // namespace imgsrv::services
