#pragma once

#include "http/server.h"

namespace imgsrv::app {

// One line for each request: method, route, status, bytes both ways, duration, client address, principal, request id.
class RequestLog final : public http::Observer {
  public:
    void on_access(const http::AccessRecord& record) override;
    void on_loop_lag(std::chrono::nanoseconds) override {}
};

}  // namespace imgsrv::app
