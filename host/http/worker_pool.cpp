#include "http/worker_pool.h"

#include <pthread.h>

#include <chrono>
#include <utility>

#include "http/blocked_signals.h"

namespace imgsrv::http {
namespace {

constexpr std::size_t kStackBytes = 1024 * 1024;  // address space; only what is touched becomes memory
constexpr std::chrono::seconds kIdleTime{10};

}  // namespace

WorkerPool::~WorkerPool() {
    stop();
}

bool WorkerPool::run(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_ < limit_ && !start_thread() && threads_ == 0) {
        tasks_.pop_back();
        return false;
    }
    has_work_.notify_one();
    return true;
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
    for (;;) {
        ++idle_;
        has_work_.wait_for(lock, kIdleTime, [&] { return stopping_ || !tasks_.empty(); });
        --idle_;
        if (tasks_.empty()) break;
        {
            const auto task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
        }  // what the task held is let go before the lock is taken
        lock.lock();
    }
    // Under the lock to the end: stop() may destroy the pool as soon as it sees the count.
    if (--threads_ == 0) all_ended_.notify_all();
}

}  // namespace imgsrv::http
