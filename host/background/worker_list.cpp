#include "background/worker_list.h"

#include <algorithm>
#include <utility>

namespace imgsrv::background {

WorkerList::~WorkerList() {
    stop();
}

Worker& WorkerList::add(std::string name, WorkerOptions options, Worker::Work work) {
    workers_.push_back(std::make_unique<Worker>(std::move(name), options, std::move(work)));
    return *workers_.back();
}

void WorkerList::start() {
    for (const auto& worker : workers_) worker->start();
}

void WorkerList::stop() {
    std::for_each(workers_.rbegin(), workers_.rend(), [](const auto& worker) { worker->stop(); });
}

void WorkerList::wake(std::string_view name) {
    const auto found = std::ranges::find_if(workers_, [&](const auto& worker) { return worker->name() == name; });
    if (found != workers_.end()) (*found)->wake();
}

std::vector<Worker*> WorkerList::all() const {
    std::vector<Worker*> all;
    for (const auto& worker : workers_) all.push_back(worker.get());
    return all;
}

}  // namespace imgsrv::background
