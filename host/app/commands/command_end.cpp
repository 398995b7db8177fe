#include "app/commands/command_end.h"

#include <cstdio>
#include <string>

namespace imgsrv::app {

int end_with(const Status& status, int failed) {
    if (status.ok()) return 0;
    const std::string why(status.message());
    const std::string detail(status.detail());
    std::fprintf(stderr, "imgsrv: %s%s\n", why.c_str(), detail.empty() ? "" : (" [" + detail + "]").c_str());
    return failed;
}

}  // namespace imgsrv::app
