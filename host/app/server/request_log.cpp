#include "app/server/request_log.h"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "core/log.h"
#include "core/redaction.h"

namespace imgsrv::app {
namespace {

// Never logged, at any level.
bool is_credential(std::string_view field) {
    static constexpr std::array<std::string_view, 5> kCredentials = {"authorization", "cookie", "set-cookie",
                                                                     "x-registry-token", "proxy-authorization"};
    return std::any_of(kCredentials.begin(), kCredentials.end(),
                       [&](std::string_view one) { return http::same_token(one, field); });
}

void log_headers(const http::Request& r) {
    // The prefix keeps clients from overwriting fields of the event.
    std::deque<std::string> names;
    std::vector<log::Field> fields{{"request_id", r.request_id}};
    for (const auto& [name, value] : r.headers.all())
        fields.push_back(
            {names.emplace_back("header." + name), is_credential(name) ? kRedacted : std::string_view(value)});
    log::write(log::Level::debug, "request headers", fields.data(), fields.size());
}

}  // namespace

void RequestLog::on_access(const http::AccessRecord& x) {
    if (!log::enabled(log::Level::info) || !x.request) return;
    const http::Request& r = *x.request;
    if (log::enabled(log::Level::debug)) log_headers(r);
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
