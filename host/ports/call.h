#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/cancel.h"

namespace imgsrv::ports {

// What accompanies one operation through every port: who asked (for the log), how long it may take, and whether it was
// cancelled. Cheap to copy.
struct Call {
    std::string request_id;
    std::optional<std::chrono::steady_clock::time_point> deadline;  // none: no limit
    CancelToken cancel;                                             // null: cannot be cancelled

    bool cancelled() const { return cancel && cancel->cancelled(); }
};

}  // namespace imgsrv::ports
