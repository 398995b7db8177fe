#include "app/request_log.h"

#include "core/log.h"

namespace imgsrv::app {

void RequestLog::on_exchange(const http::Exchange& x) {
    if (!log::enabled(log::Level::info) || !x.request) return;
    const http::Request& r = *x.request;
    const double ms = std::chrono::duration<double, std::milli>(x.duration).count();
    log::info("request", {{"method", to_string(r.method)},
                          {"route", r.route},
                          {"status", std::int64_t{x.status}},
                          {"bytes_in", static_cast<std::int64_t>(x.bytes_in)},
                          {"bytes_out", static_cast<std::int64_t>(x.bytes_out)},
                          {"duration_ms", ms},
                          {"client", r.peer},
                          {"principal", r.principal_id},
                          {"request_id", r.request_id},
                          {"completed", x.completed}});
}

}  // namespace imgsrv::app
