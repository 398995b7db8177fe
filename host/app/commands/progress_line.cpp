#include "app/commands/progress_line.h"

#include <cstdio>

#include "core/units.h"

namespace imgsrv::app {

void ProgressLine::operator()(const services::StorageCopyProgress& p) {
    constexpr std::chrono::seconds kEvery{1};
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < kEvery) return;
    last_ = now;
    std::fprintf(stderr, "%s%llu of %llu objects, %s of %s%s", terminal_ ? "\r\x1b[K" : "",
                 static_cast<unsigned long long>(p.done), static_cast<unsigned long long>(p.objects),
                 format_size(p.done_bytes).c_str(), format_size(p.bytes).c_str(), terminal_ ? "" : "\n");
    shown_ = true;
}

void ProgressLine::end() const {
    if (terminal_ && shown_) std::fputc('\n', stderr);
}

const char* extent(const services::StorageCopyProgress& copied) {
    return copied.faults.empty() ? "everything" : "what could be read";
}

}  // namespace imgsrv::app
