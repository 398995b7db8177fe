#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

#include "app/commands.h"
#include "app/server_app.h"
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

int serve(const SettingsFlags& flags) {
    // Before the first thread, so that every thread leaves them to the wait below.
    const sigset_t signals = block_signals();
    auto settings = flags.load();
    if (!settings.ok()) {
        std::fprintf(stderr, "imgsrv: %s\n", std::string(settings.status().message()).c_str());
        return 1;
    }
    log::init(settings->text("log-format") == "json" ? log::Format::json : log::Format::text,
              *log::parse_level(settings->text("verbosity")));

    ServerApp server(*settings);
    if (const Status started = server.start(); !started.ok()) {
        log::write(log::Level::fatal, "start failed", {{"error", started.describe()}});
        return 1;
    }
    for (;;) {
        int signal = 0;
        sigwait(&signals, &signal);
        if (signal != SIGHUP) break;
        server.reload();
    }
    log::info("stopping");
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
