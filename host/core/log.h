#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "core/status.h"

namespace imgsrv::log {

// The levels, with pino's numbers.
enum class Level : int { trace = 10, debug = 20, info = 30, warn = 40, error = 50, fatal = 60 };
enum class Format { text, json };

// One named fact of an event. Keys are snake_case, from a fixed vocabulary. Values must not be secrets; one that looks
// like a secret is redacted (core/redaction.h).
struct Field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;
};

// Sets up the process-wide log. Before this, events go out as text at info on stderr. [main]
void init(Format format, Level level);
// Appends to this file from now on, creating it for its owner and group only; an empty path means stderr. If the file
// cannot be opened, the log stays where it was. [main]
Status set_file(const std::string& path);
// Reopens the file after it was rotated (SIGHUP). [any]
Status reopen();
void set_level(Level level);
// Adds the field "node" with this name to every event from now on, before the event's own fields; an empty name adds
// none. [main, before other threads start]
void set_node(const std::string& name);
// True when an event of this level would be written. [any]
bool enabled(Level level) noexcept;

// One line for one event; never throws, never fails. [any]
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) noexcept;
void write(Level level, std::string_view message, const Field* fields, std::size_t count) noexcept;

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) noexcept {
    write(Level::debug, m, f);
}
inline void info(std::string_view m, std::initializer_list<Field> f = {}) noexcept {
    write(Level::info, m, f);
}
inline void warn(std::string_view m, std::initializer_list<Field> f = {}) noexcept {
    write(Level::warn, m, f);
}
inline void error(std::string_view m, std::initializer_list<Field> f = {}) noexcept {
    write(Level::error, m, f);
}

// "trace" … "fatal"; invalid_argument otherwise.
Result<Level> parse_level(std::string_view text);
std::string_view to_string(Level level);

}  // namespace imgsrv::log
