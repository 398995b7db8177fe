#pragma once

#include <chrono>

#include "services/storage_copy.h"

namespace imgsrv::app {

// How far a copy of objects is, on stderr: one line a second, over the last one on a terminal.
class ProgressLine {
  public:
    ProgressLine();
    void operator()(const services::StorageCopyProgress& progress);
    void end() const;

  private:
    const bool terminal_;
    bool shown_ = false;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace imgsrv::app
