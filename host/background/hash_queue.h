#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/status.h"
#include "ports/call.h"

namespace imgsrv::background {

// Upload sessions whose parts wait to be hashed, in order of arrival. Nothing here is durable: after a crash, promotion
// hashes the rest.
class HashQueue {
  public:
    using Work = std::function<Status(const ports::Call&, const std::string& session_id)>;

    HashQueue(std::size_t threads, Work work);
    ~HashQueue();  // stops
    HashQueue(const HashQueue&) = delete;

    void start();
    // A session that is queued already is not queued again. [any]
    void add(std::string session_id);
    void stop();

  private:
    void run();

    const std::size_t thread_count_;
    const Work work_;
    const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::string> queue_;
    std::unordered_set<std::string> queued_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace imgsrv::background
