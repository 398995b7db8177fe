#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace imgsrv::http {

// Threads for blocking work: started when none is free, ended after a while without work.
class WorkerPool {
  public:
    explicit WorkerPool(std::size_t limit) : limit_(limit) {}
    // Calls stop().
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // Queues the task, which must not throw. False, and the task is dropped, when no thread can be started to run it.
    // [any]
    bool run(std::function<void()> task);
    // Runs the queued tasks, then waits for the last thread to end. Tasks queued later also run, before the destructor
    // returns.
    void stop();

  private:
    static void* thread_main(void* self);
    void wake_worker();
    bool start_thread();
    void work();

    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable has_work_;
    std::condition_variable all_ended_;
    std::deque<std::function<void()>> tasks_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool called_ = false;  // a worker was woken or started and has not taken a task yet
    bool stopping_ = false;
};

}  // namespace imgsrv::http
