#include "cancel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace imgsrv::postgres {
namespace {

// More stuck threads than these say that the server hangs; then only closing the link is left.
constexpr int kMostAtOnce = 32;
std::atomic<int> g_running{0};

struct FreeCancel {
    void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
};

}  // namespace

struct CancelRequest::State {
    std::mutex mutex;
    std::condition_variable changed;
    bool finished = false;

    void finish() {
        std::lock_guard lock(mutex);
        finished = true;
        changed.notify_all();
    }
};

CancelRequest::CancelRequest(PGconn* link) : state_(std::make_shared<State>()) {
    std::unique_ptr<PGcancel, FreeCancel> cancel(PQgetCancel(link));
    if (cancel && g_running.fetch_add(1) < kMostAtOnce) {
        try {
            std::thread([state = state_, cancel = std::move(cancel)] {
                char error[256];
                PQcancel(cancel.get(), error, sizeof error);  // when this fails, the statement simply keeps running
                --g_running;
                state->finish();
            }).detach();
            return;
        } catch (const std::system_error&) {
        }
    }
    if (cancel) --g_running;
    state_->finish();
}

bool CancelRequest::wait_until(std::int64_t until_ns) const {
    const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(until_ns)};
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_until(lock, until, [&] { return state_->finished; });
}

}  // namespace imgsrv::postgres
