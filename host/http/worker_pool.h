#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace imgsrv::http {

// Threads for work that blocks: started when nobody is free, ended after a while without work.
class WorkerPool {
  public:
    explicit WorkerPool(std::size_t limit) : limit_(limit) {}
    // stop()
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    // Queues the task, which must not throw. False when no thread could be started to run it; it is dropped then. [any]
    bool run(std::function<void()> task);
    // Runs what is queued, then waits for the last thread to end. What is queued later runs, too, before the destructor
    // returns.
    void stop();

  private:
    static void* thread_main(void* self);
    void call_worker();
    bool start_thread();
    void work();

    const std::size_t limit_;
    std::mutex mutex_;
    std::condition_variable has_work_;
    std::condition_variable all_ended_;
    std::deque<std::function<void()>> tasks_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool called_ = false;  // a worker was woken or started and has not looked at the tasks yet
    bool stopping_ = false;
};

}  // namespace imgsrv::http
