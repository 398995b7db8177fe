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
    failed = 1,       // none of the below
    bad_input = 2,    // the command line, a local file, or a request the server calls wrong
    unavailable = 3,  // the server cannot be reached, or is out of resources
    not_allowed = 4,  // no token, a wrong one, or one without the role
    not_found = 5,    // what the command names is not there
    conflict = 6,     // what is on the server stands in the way
    job_failed = 7,   // the publish job ended without publishing
    damaged = 8,      // the bytes that arrived are not the bytes that were announced
};

ExitCode exit_code(const Status& status);

// The paragraph of --help that lists them.
std::string exit_code_help();

// What a command tells its user. Text: one line an event on stdout, a progress bar on stderr when that is a terminal (a
// plain line every ten seconds when not). JSON: one object an event on stdout, each with "event", and nothing else.
// [any]
class Reporter {
  public:
    enum class Format { text, json };

    explicit Reporter(Format format);
    ~Reporter();
    Reporter(const Reporter&) = delete;
    Reporter& operator=(const Reporter&) = delete;

    // One event: its name and members for machines, its sentence for people (empty: people need not know).
    void event(std::string_view name, nlohmann::ordered_json members, std::string_view text);
    void warn(std::string_view text);
    // Prints the reason and returns the exit code for it.
    int fail(const Status& status);

    // How far a long piece of work is; drawn at most ten times a second (JSON: once). `already` bytes were there before
    // the work began and do not count for its speed.
    void progress(std::string_view what, std::uint64_t done, std::uint64_t total, std::uint64_t already = 0);
    // Ends the bar of the work above.
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
