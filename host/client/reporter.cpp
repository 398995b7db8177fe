#include "client/reporter.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/units.h"

namespace imgsrv::client {
namespace {

constexpr std::chrono::milliseconds kBarInterval{100};
constexpr std::chrono::seconds kJsonInterval{1};
constexpr std::chrono::seconds kLineInterval{10};

std::size_t terminal_width() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void print_line(std::FILE* to, std::string_view text) {
    std::fprintf(to, "%.*s\n", static_cast<int>(text.size()), text.data());
    std::fflush(to);
}

std::string dump(const nlohmann::ordered_json& event) {
    return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ExitCode exit_code(const Status& status) {
    switch (status.code()) {
        case Code::ok:
            return ExitCode::ok;
        case Code::invalid_argument:
        case Code::out_of_range:
        case Code::too_large:
        case Code::unsupported_media_type:
            return ExitCode::bad_input;
        case Code::unavailable:
        case Code::deadline:
        case Code::resource_exhausted:
        case Code::too_many_requests:
            return ExitCode::unavailable;
        case Code::unauthenticated:
        case Code::permission_denied:
            return ExitCode::not_allowed;
        case Code::not_found:
            return ExitCode::not_found;
        case Code::already_exists:
        case Code::failed_precondition:
            return ExitCode::conflict;
        case Code::aborted:
            return ExitCode::job_failed;
        case Code::data_loss:
            return ExitCode::damaged;
        default:
            return ExitCode::failed;
    }
}

std::string exit_code_help() {
    return "Exit codes: 0 done; 1 failed for another reason; 2 invalid input (command line, local file, or rejected by "
           "the\n"
           "server); 3 server unreachable or out of resources; 4 not allowed (token missing, wrong, or without the "
           "role);\n"
           "5 not found; 6 conflict with the server's state; 7 the publish job failed; 8 the bytes that arrived "
           "differ\n"
           "from those announced.\n";
}

Reporter::Reporter(Format format) : format_(format), terminal_(::isatty(STDERR_FILENO) == 1) {}

Reporter::~Reporter() {
    clear_bar();
}

void Reporter::event(std::string_view name, nlohmann::ordered_json members, std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (format_ == Format::json) {
        nlohmann::ordered_json event{{"event", name}};
        event.update(members);
        print_line(stdout, dump(event));
    } else if (!text.empty()) {
        clear_bar();
        print_line(stdout, text);
    }
}

void Reporter::warn(std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (format_ == Format::json) {
        print_line(stdout, dump({{"event", "warning"}, {"message", text}}));
    } else {
        clear_bar();
        print_line(stderr, "imgsrv: warning: " + std::string(text));
    }
}

int Reporter::fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    const int code = static_cast<int>(exit_code(status));
    if (format_ == Format::json) {
        nlohmann::ordered_json event{
            {"event", "error"}, {"code", to_string(status.code())}, {"exit_code", code}, {"message", status.message()}};
        if (!status.detail().empty()) event["detail"] = status.detail();
        print_line(stdout, dump(event));
        return code;
    }
    clear_bar();
    std::string text = "imgsrv: " + std::string(status.message());
    if (!status.detail().empty()) text += " (" + std::string(status.detail()) + ")";
    print_line(stderr, text);
    return code;
}

void Reporter::progress(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t already) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const auto interval = format_ == Format::json ? Clock::duration(kJsonInterval)
                          : terminal_             ? Clock::duration(kBarInterval)
                                                  : Clock::duration(kLineInterval);
    if (!working_) {
        working_ = true;
        started_ = now;
        next_draw_ = now + std::min<Clock::duration>(interval, std::chrono::milliseconds(300));
        if (!terminal_) next_draw_ = now + interval;
    }
    if (now < next_draw_) return;
    next_draw_ = now + interval;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    const double speed = seconds > 0 && done > already ? static_cast<double>(done - already) / seconds : 0;
    if (format_ == Format::json)
        print_line(stdout, dump({{"event", "progress"},
                                 {"what", what},
                                 {"bytes", done},
                                 {"size_bytes", total},
                                 {"bytes_per_second", static_cast<std::int64_t>(speed)}}));
    else
        draw_bar(what, done, total, speed);
}

void Reporter::progress_end() {
    const std::lock_guard lock(mutex_);
    clear_bar();
    working_ = false;
}

void Reporter::clear_bar() {
    if (!bar_drawn_) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    bar_drawn_ = false;
}

void Reporter::draw_bar(std::string_view what, std::uint64_t done, std::uint64_t total, double bytes_per_second) {
    const double part = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 1.0;
    std::array<char, 160> numbers{};
    std::snprintf(numbers.data(), numbers.size(), "%3d%%  %s of %s  %s/s", static_cast<int>(part * 100),
                  format_size(done).c_str(), format_size(total).c_str(),
                  format_size(static_cast<std::uint64_t>(bytes_per_second)).c_str());
    std::string tail = numbers.data();
    if (bytes_per_second > 0 && done < total) {
        const auto left =
            std::chrono::seconds(static_cast<std::int64_t>(static_cast<double>(total - done) / bytes_per_second) + 1);
        tail += "  " + format_duration(left) + " left";
    }
    if (!terminal_) {
        print_line(stdout, std::string(what) + "  " + tail);
        return;
    }
    const std::size_t width = terminal_width();
    std::string line(what.substr(0, width / 3));
    if (line.size() + tail.size() + 16 < width) {
        const std::size_t cells = std::min<std::size_t>(40, width - line.size() - tail.size() - 6);
        const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
        line += "  [" + std::string(full, '=') + std::string(cells - full, ' ') + "]";
    }
    line += " " + tail;
    std::fprintf(stderr, "\r%s\x1b[K", line.substr(0, width - 1).c_str());
    std::fflush(stderr);
    bar_drawn_ = true;
}

}  // namespace imgsrv::client
