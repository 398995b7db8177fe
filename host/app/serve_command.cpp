#include <pthread.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>

#include "app/command_end.h"
#include "app/commands.h"
#include "app/server_app.h"
#include "app/service_manager.h"
#include "app/settings_flags.h"
#include "core/log.h"

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

// The next of the signals. Meanwhile the service manager is told twice in each of its periods that the process is
// alive, if the event loops answer within a quarter of one; a loop that hangs lets the watchdog bite.
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

// The file is opened anew, and the level is the one that the configuration has now. Does both, whatever fails.
Status reload_log(const SettingsFlags& flags) {
    Status opened = log::reopen();
    if (!opened.ok()) {
        log::error("the log stays where it is", {{"error", opened.message()}});
        // There nobody may look any more: the file was moved away, or its folder removed.
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
    // Before the first thread, so that every thread leaves them to the wait below.
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
    if (const Status started = server.start(); !started.ok()) {
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
    // A second signal ends the process now: its default action is back.
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
