#pragma once

#include <vector>

#include "http/server.h"

namespace imgsrv::app {

// Passes everything on to several observers, which outlive it.
class Observers final : public http::Observer {
  public:
    // Before the server starts. [main]
    void add(http::Observer& observer) { all_.push_back(&observer); }

    void on_access(const http::AccessRecord& record) override {
        for (auto* one : all_) one->on_access(record);
    }
    void on_loop_lag(std::chrono::nanoseconds lag) override {
        for (auto* one : all_) one->on_loop_lag(lag);
    }

  private:
    std::vector<http::Observer*> all_;
};

}  // namespace imgsrv::app
