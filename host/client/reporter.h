#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv::client {

// The exit codes of every client command; part of the command line's contract, printed by --help.
enum class ExitCode : int {
    ok = 0,
    failed = 1,       // none of those below
    bad_input = 2,    // the command line, a local file, or a request that the server rejects as invalid
    unavailable = 3,  // the server cannot be reached or is out of resources
    not_allowed = 4,  // the token is missing, wrong, or lacks the role
    not_found = 5,    // what the command names does not exist
    conflict = 6,     // the server's current state conflicts with the command
    job_failed = 7,   // the publish job ended without publishing
    damaged = 8,      // the bytes that arrived differ from those announced
};

ExitCode exit_code(const Status& status);

// The paragraph of --help that lists them.
std::string exit_code_help();

// What a command tells its user. Text: one line per event on stdout, and a progress bar on stderr if that is a terminal
// (otherwise a plain line every ten seconds). JSON: one object per event on stdout, each with "event", and nothing
// else. [any]
class Reporter {
  public:
    enum class Format { text, json };

    explicit Reporter(Format format);
    ~Reporter();
    Reporter(const Reporter&) = delete;
    Reporter& operator=(const Reporter&) = delete;

    // One event: name and members for machines, a sentence for people (empty: not shown to people).
    void event(std::string_view name, nlohmann::ordered_json members, std::string_view text);
    void warn(std::string_view text);
    // Prints the reason and returns the exit code for it.
    int fail(const Status& status);

    // Progress of a long task; drawn at most ten times a second (JSON: once). The first `already` bytes were there
    // before it started and do not count towards its speed.
    void progress(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t already = 0);
    // Ends the task's progress bar.
    void progress_end();

  private:
    using Clock = std::chrono::steady_clock;
    void clear_bar();
    void draw_bar(std::string_view what, std::uint64_t done, std::uint64_t total, double bytes_per_second);

    const Format format_;
    const bool terminal_;
    std::mutex mutex_;
    bool bar_drawn_ = false;
    bool working_ = false;
    Clock::time_point started_{};
    Clock::time_point next_draw_{};
};

}  // namespace imgsrv::client
