#include "background/hash_queue.h"

#include "core/log.h"

namespace imgsrv::background {

HashQueue::HashQueue(std::size_t threads, Work work) : thread_count_(threads), work_(std::move(work)) {}

HashQueue::~HashQueue() {
    stop();
}

void HashQueue::start() {
    for (std::size_t i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { run(); });
}

void HashQueue::add(std::string session_id) {
    const std::lock_guard lock(mutex_);
    if (stopping_ || !queued_.insert(session_id).second) return;
    queue_.push_back(std::move(session_id));
    wake_.notify_one();
}

void HashQueue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    cancellation_->cancel();
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void HashQueue::run() {
    const ports::Call call{"hash-backlog", std::nullopt, cancellation_};
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
        if (stopping_) return;
        const std::string id = std::move(queue_.front());
        queue_.pop_front();
        queued_.erase(id);
        lock.unlock();
        Status status;
        try {
            status = work_(call, id);
        } catch (const std::exception& error) {
            status = Status(Code::internal, "hashing threw an exception").with_detail(error.what());
        }
        if (!status.ok()) log::debug("parts not hashed ahead", {{"upload_id", id}, {"error", status.describe()}});
        lock.lock();
    }
}

}  // namespace imgsrv::background
