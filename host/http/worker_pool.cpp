#include "http/worker_pool.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "http/blocked_signals.h"

namespace imgsrv::http {
namespace {

// Address space; only touched pages take memory. ABI.md, T6. Sanitizers make frames several times larger.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = 8 * 1024 * 1024;
#else
constexpr std::size_t kStackBytes = 1024 * 1024;
#endif
constexpr std::chrono::seconds kIdleTime{10};

}  // namespace

WorkerPool::~WorkerPool() {
    stop();
}

bool WorkerPool::run(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_worker();
    if (threads_ > 0) return true;
    tasks_.pop_back();
    return false;
}

// Only one worker at a time is being woken; when it takes a task and more are left, it wakes the next. So a burst of
// short tasks does not wake a crowd that would fight for the lock.
void WorkerPool::wake_worker() {
    if (called_) return;
    if (idle_ > 0) {
        has_work_.notify_one();
        called_ = true;
    } else if (threads_ < limit_) {
        called_ = start_thread();
    }
}

void WorkerPool::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    has_work_.notify_all();
    all_ended_.wait(lock, [&] { return threads_ == 0; });
}

bool WorkerPool::start_thread() {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, kStackBytes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    const BlockedSignals blocked;
    pthread_t id{};
    const bool started = ::pthread_create(&id, &attributes, thread_main, this) == 0;
    ::pthread_attr_destroy(&attributes);
    if (started) ++threads_;
    return started;
}

void* WorkerPool::thread_main(void* self) {
    ::pthread_setname_np(::pthread_self(), "http-worker");
    static_cast<WorkerPool*>(self)->work();
    return nullptr;
}

void WorkerPool::work() {
    std::unique_lock lock(mutex_);
    called_ = false;
    for (bool timed_out = false; !timed_out || !tasks_.empty();) {
        if (tasks_.empty()) {
            if (stopping_) break;
            ++idle_;
            timed_out = has_work_.wait_for(lock, kIdleTime) == std::cv_status::timeout;
            --idle_;
            called_ = false;
            continue;
        }
        timed_out = false;
        {
            const auto task = std::move(tasks_.front());
            tasks_.pop_front();
            if (!tasks_.empty()) wake_worker();
            lock.unlock();
            task();
        }  // release what the task held before taking the lock
        lock.lock();
    }
    // Keep the lock to the end: stop() may destroy the pool as soon as it sees the count.
    if (--threads_ == 0) all_ended_.notify_all();
}

}  // namespace imgsrv::http
