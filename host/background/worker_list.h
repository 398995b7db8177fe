#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "background/worker.h"

namespace imgsrv::background {

// Workers that start and stop together, each known by its name. A worker that needs another one to run is added after
// it: start() goes from the first to the last, stop() from the last to the first.
class WorkerList {
  public:
    WorkerList() = default;
    ~WorkerList();  // stops
    WorkerList(const WorkerList&) = delete;
    WorkerList& operator=(const WorkerList&) = delete;

    // Does not start it. The name is new to the list. [main, before start]
    Worker& add(std::string name, WorkerOptions options, Worker::Work work);
    // [main, once]
    void start();
    // Each worker's work is cancelled and waited for before the next one is stopped. [main]
    void stop();
    // Makes a worker look for work at once. Without a worker of that name it does nothing: this server leaves that work
    // to other nodes. [any, after the last add]
    void wake(std::string_view name);
    // In the order of their addition. [any, after the last add]
    std::vector<Worker*> all() const;

  private:
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace imgsrv::background
