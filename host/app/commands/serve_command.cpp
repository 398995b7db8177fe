#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/settings_flags.h"
#include "app/server/server_app.h"
#include "app/server/service_manager.h"
#include "core/log.h"
#include "core/unique_fd.h"

namespace imgsrv::app {
namespace {

sigset_t block_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return set;
}

// A start can take long: it may wait for another node's migration or for a database that does not answer. While this
// exists, the first SIGTERM or SIGINT ends the process at once, with 0: no request is in flight, and half-done work is
// recovered as after a crash. Without it only SIGKILL could end a start.
class StartEnder {
  public:
    StartEnder() {
        sigset_t ends;
        sigemptyset(&ends);
        for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
        signal_ = UniqueFd(::signalfd(-1, &ends, SFD_CLOEXEC));
        over_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
        thread_ = std::thread([this] { watch(); });
    }
    ~StartEnder() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(over_.get(), &one, sizeof one);
        thread_.join();
    }
    StartEnder(const StartEnder&) = delete;

  private:
    void watch() {
        std::array<pollfd, 2> fds{{{over_.get(), POLLIN, 0}, {signal_.get(), POLLIN, 0}}};
        while (::poll(fds.data(), fds.size(), -1) < 0) {
        }
        // If a signal arrives at the same moment, wait_for_signal() takes it.
        if (fds[0].revents != 0) return;
        log::info("stopped while starting");
        std::_Exit(0);
    }

    UniqueFd signal_;
    UniqueFd over_;
    std::thread thread_;
};

// Returns the next of the signals. While it waits, it tells the service manager twice in each watchdog period that the
// process is alive, provided the event loops answer within a quarter of a period; if one hangs, the watchdog bites.
int wait_for_signal(const sigset_t& signals, const ServerApp& server, ServiceManager& manager) {
    const auto period = manager.watchdog_period();
    if (!period) {
        int signal = 0;
        sigwait(&signals, &signal);
        return signal;
    }
    for (;;) {
        if (server.responsive(std::chrono::duration_cast<std::chrono::milliseconds>(*period / 4)))
            manager.alive();
        else
            log::error("event loops do not answer");
        const std::int64_t pause = period->count() / 2;
        const timespec wait{pause / 1'000'000, pause % 1'000'000 * 1000};
        if (const int signal = ::sigtimedwait(&signals, nullptr, &wait); signal > 0) return signal;
    }
}

// Opens the log file again and sets the level that the configuration has now. If one fails, the other is still done.
Status reload_log(const SettingsFlags& flags) {
    Status opened = log::reopen();
    if (!opened.ok()) {
        log::error("the log stays where it is", {{"error", opened.message()}});
        // The old file may be out of sight: moved away, or its folder removed.
        std::fprintf(stderr, "imgsrv: the log stays where it is: %s\n", std::string(opened.message()).c_str());
    }
    const auto settings = flags.load();
    if (!settings.ok()) {
        log::error("the configuration is not read again", {{"error", settings.status().message()}});
        return settings.status();
    }
    log::set_level(*log::parse_level(settings->text("verbosity")));
    log::info("verbosity", {{"verbosity", settings->text("verbosity")}});
    return opened;
}

int serve(const SettingsFlags& flags) {
    // Before the first thread starts: threads inherit the mask, and wait_for_signal() takes the signals.
    const sigset_t signals = block_signals();
    auto settings = flags.load();
    if (!settings.ok()) return end_with(settings.status());
    log::init(settings->text("log-format") == "json" ? log::Format::json : log::Format::text,
              *log::parse_level(settings->text("verbosity")));
    log::set_node(settings->text("node-name"));
    if (Status opened = log::set_file(settings->text("log-file")); !opened.ok())
        return end_with(std::move(opened).with_context("log-file"));

    ServiceManager manager;
    ServerApp server(*settings);
    auto ender = std::make_unique<StartEnder>();
    const Status started = server.start();
    ender.reset();
    if (!started.ok()) {
        log::write(log::Level::fatal, "start failed", {{"error", started.describe()}});
        return 1;
    }
    manager.ready(server.listens_on());
    while (wait_for_signal(signals, server, manager) == SIGHUP) {
        manager.reloading();
        const Status log_again = reload_log(flags);
        const Status certificates = server.reload();
        const Status& status = log_again.ok() ? certificates : log_again;
        manager.ready(status.ok() ? server.listens_on() : "Reload failed: " + status.describe());
    }
    log::info("stopping");
    manager.stopping("Letting requests in flight finish");
    // With the default action back, a second signal ends the process at once.
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    server.stop();
    log::info("stopped");
    return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand("serve", "Run the server");
    auto flags = std::make_shared<SettingsFlags>(*command);
    command->callback([flags, &exit_code] { exit_code = serve(*flags); });
}

}  // namespace imgsrv::app
