#include "core/log.h"

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/redaction.h"
#include "core/unique_fd.h"

namespace imgsrv::log {
namespace {

std::atomic<int> g_level{static_cast<int>(Level::info)};
std::atomic<Format> g_format{Format::text};

// One write() per line, so that a file that processes share, or that is rotated, holds whole lines only.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    Status open(const std::string& path) {
        if (path.empty()) {
            const std::lock_guard lock(mutex_);
            file_.reset();
            path_.clear();
            return {};
        }
        // If the path is a pipe, neither open() nor write() may wait for a reader.
        const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
        UniqueFd file(::open(path.c_str(), flags, 0640));
        if (!file)
            return {Code::unavailable, "the log file '" + path + "' cannot be opened: " + std::string(strerror(errno))};
        const std::lock_guard lock(mutex_);
        file_ = std::move(file);
        path_ = path;
        torn_ = false;
        return {};
    }
    std::string path() {
        const std::lock_guard lock(mutex_);
        return path_;
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        // A full disk costs lines and nothing else: a line that was cut off is ended before the next one.
        if (torn_ && !put("\n")) return;
        torn_ = false;
        put({line.data(), line.size()});
    }
    void flush_() override {}

  private:
    bool put(std::string_view bytes) {
        const int fd = file_ ? file_.get() : STDERR_FILENO;
        for (std::size_t at = 0; at < bytes.size();) {
            const ssize_t n = ::write(fd, bytes.data() + at, bytes.size() - at);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                torn_ = torn_ || at > 0;
                return false;
            }
            at += static_cast<std::size_t>(n);
        }
        return true;
    }

    UniqueFd file_;  // none: stderr
    std::string path_;
    bool torn_ = false;  // the last line was cut off
};

const std::shared_ptr<DescriptorSink>& sink() {
    static auto* one = new std::shared_ptr(std::make_shared<DescriptorSink>());
    return *one;
}

spdlog::logger& logger() {
    // Leaked on purpose: threads may still log while static objects are destroyed.
    static auto* one = [] {
        auto* l = new spdlog::logger("imgsrv", sink());
        l->set_pattern("%v");
        l->set_level(spdlog::level::trace);
        return l;
    }();
    return *one;
}

const std::string& host_name() {
    static const std::string kName = [] {
        std::array<char, 256> buf{};
        ::gethostname(buf.data(), buf.size() - 1);
        return std::string(buf.data());
    }();
    return kName;
}

std::string& node() {
    static auto* one = new std::string;
    return *one;
}

std::string dump(const nlohmann::ordered_json& value) {
    return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// JSON escapes control characters only up to U+001F. This escapes DEL and U+0080 to U+009F as well: U+009B starts a
// terminal's escape sequence just as ESC [ does. The line is UTF-8.
void escape_other_controls(std::string& line) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto is_first = [](char c) { return c == '\x7F' || c == '\xC2'; };
    if (std::none_of(line.begin(), line.end(), is_first)) return;
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const auto next = i + 1 < line.size() ? static_cast<unsigned char>(line[i + 1]) : 0U;
        const bool pair = line[i] == '\xC2' && next >= 0x80 && next <= 0x9F;
        if (!pair && line[i] != '\x7F') {
            out += line[i];
            continue;
        }
        const unsigned control = pair ? next : 0x7FU;
        out.append("\\u00") += kDigits[control >> 4U];
        out += kDigits[control & 15U];
        i += pair ? 1 : 0;
    }
    line = std::move(out);
}

std::string as_json(Level level, std::string_view message, const Field* fields, std::size_t count) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    nlohmann::ordered_json event = {
        {"level", static_cast<int>(level)},
        {"time", std::chrono::duration_cast<std::chrono::milliseconds>(now).count()},
        {"pid", ::getpid()},
        {"hostname", host_name()},
        {"msg", message},
    };
    if (!node().empty()) event["node"] = node();
    for (std::size_t i = 0; i < count; ++i)
        std::visit([&](const auto& v) { event[std::string(fields[i].key)] = v; }, fields[i].value);
    return dump(event);
}

// One line, whatever a plugin says.
std::string text_message(std::string_view message) {
    if (is_printable(message)) return std::string(message);
    const std::string json = dump(message);
    return json.substr(1, json.size() - 2);
}

std::string as_text(Level level, std::string_view message, const Field* fields, std::size_t count) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm tm{};
    ::gmtime_r(&seconds, &tm);
    std::string line = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {:<5} {}", tm.tm_year + 1900,
                                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                                   now.time_since_epoch().count() % 1000, to_string(level), text_message(message));
    const auto add = [&](const Field& field) {
        line += fmt::format(" {}=", field.key);
        std::visit(
            [&](const auto& v) {
                if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string_view>) {
                    const bool plain =
                        !v.empty() && is_printable(v) && v.find_first_of(" \"=\\") == std::string_view::npos;
                    line += plain ? std::string(v) : dump(v);
                } else {
                    line += fmt::format("{}", v);
                }
            },
            field.value);
    };
    if (!node().empty()) add({"node", node()});
    for (std::size_t i = 0; i < count; ++i) add(fields[i]);
    return line;
}

}  // namespace

void init(Format format, Level level) {
    g_format = format;
    set_level(level);
}

Status set_file(const std::string& path) {
    return sink()->open(path);
}

Status reopen() {
    return sink()->open(sink()->path());
}

void set_level(Level level) {
    g_level = static_cast<int>(level);
}

void set_node(const std::string& name) {
    node() = name;
}

bool enabled(Level level) noexcept {
    return static_cast<int>(level) >= g_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, const Field* fields, std::size_t count) noexcept {
    if (!enabled(level)) return;
    try {
        std::string line = g_format.load() == Format::json ? as_json(level, message, fields, count)
                                                           : as_text(level, message, fields, count);
        redact(line);
        escape_other_controls(line);
        logger().log(spdlog::level::critical, line);
    } catch (...) {  // a log line is never worth a crash
    }
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) noexcept {
    write(level, message, fields.begin(), fields.size());
}

Result<Level> parse_level(std::string_view text) {
    for (const Level level : {Level::trace, Level::debug, Level::info, Level::warn, Level::error, Level::fatal})
        if (text == to_string(level)) return level;
    return Status(Code::invalid_argument,
                  "'" + std::string(text) + "' is not a log level; use trace, debug, info, warn, error or fatal");
}

std::string_view to_string(Level level) {
    switch (level) {
        case Level::trace:
            return "trace";
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
        case Level::fatal:
            return "fatal";
    }
    return "info";
}

}  // namespace imgsrv::log
