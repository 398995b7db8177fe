#include "app/commands/copy_objects.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>

#include "core/units.h"

namespace imgsrv::app {
namespace {

constexpr std::chrono::seconds kEvery{1};

class ProgressLine {
  public:
    void operator()(const services::StorageCopyProgress& p) {
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < kEvery) return;
        last_ = now;
        std::fprintf(stderr, "%s%llu of %llu objects, %s of %s%s", terminal_ ? "\r\x1b[K" : "",
                     static_cast<unsigned long long>(p.done), static_cast<unsigned long long>(p.objects),
                     format_size(p.done_bytes).c_str(), format_size(p.bytes).c_str(), terminal_ ? "" : "\n");
        shown_ = true;
    }
    void end() const {
        if (terminal_ && shown_) std::fputc('\n', stderr);
    }

  private:
    const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
    bool shown_ = false;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<services::StorageCopyProgress> copy_objects(const ports::Call& call, store::Pool& rows, store::Pool& live,
                                                   ports::ObjectStore& from, ports::ObjectStore& to,
                                                   const services::StorageCopyOptions& options) {
    ProgressLine line;
    services::StorageCopy copy(rows, live, from, to, options, std::ref(line));
    auto done = copy.run(call);
    line.end();
    return done;
}

const char* extent(const services::StorageCopyProgress& copied) {
    return copied.faults.empty() ? "everything" : "what could be had";
}

}  // namespace imgsrv::app
