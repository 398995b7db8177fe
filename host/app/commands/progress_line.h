#pragma once

#include <unistd.h>

#include <chrono>

#include "services/housekeeping/storage_copy.h"

namespace imgsrv::app {

// The progress of a StorageCopy on stderr, at most once a second: one line that is overwritten on a terminal, else a
// line each. Its calls come one at a time.
class ProgressLine {
  public:
    void operator()(const services::StorageCopyProgress& progress);
    // Leaves the line as it is, so that other output begins on a new one.
    void end() const;

  private:
    const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
    bool shown_ = false;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

// How much the target of a copy has, for a sentence: "everything", or less.
const char* extent(const services::StorageCopyProgress& copied);

}  // namespace imgsrv::app
