#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/stored_data.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/settings_flags.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/fsck.h"

namespace imgsrv::app {
namespace {

struct FsckFlags {
    explicit FsckFlags(CLI::App& command) : settings(command) {
        command.add_flag("--deep", options.deep, "read every byte and compare digests");
        command.add_flag("--repair", options.repair, "repair what can be repaired; the server may be running");
    }

    SettingsFlags settings;
    services::FsckOptions options;
};

void print(const services::Finding& finding) {
    std::printf("%s; %s: %s\n", finding.what.c_str(), finding.repaired ? "repaired" : "next", finding.next.c_str());
    std::fflush(stdout);
}

Result<services::FsckSummary> run(const FsckFlags& flags) {
    // Its findings are printed, not logged.
    log::set_level(log::Level::fatal);
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    const ports::Call call{"fsck", std::nullopt, nullptr};
    StoredData data;
    IMGSRV_TRY(load_drivers(settings, data.registry));
    IMGSRV_TRY(open_stored_data(settings, call, ObjectAccess::read, data));
    services::StoreIdentity identity(*data.backends.pool, *data.backends.objects, data.backends.objects_place);
    services::Fsck fsck(*data.backends.pool, *data.backends.objects, identity, flags.options, print);
    return fsck.run(call);
}

}  // namespace

void add_fsck_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand(
        "fsck", "Check that all promised bytes are there and no work is stuck; the server may be running");
    command->footer(
        "Exit status: 0 nothing is wrong, 1 something is (one line each), 2 the check could not be completed.");
    auto flags = std::make_shared<FsckFlags>(*command);
    command->callback([flags, &exit_code] {
        const auto summary = run(*flags);
        exit_code = end_with(summary.status(), 2);
        if (!summary.ok()) return;
        std::printf("%llu blobs (%s) %s: %llu findings, %llu of them repaired\n",
                    static_cast<unsigned long long>(summary->blobs), format_size(summary->bytes).c_str(),
                    flags->options.deep ? "read" : "checked", static_cast<unsigned long long>(summary->findings),
                    static_cast<unsigned long long>(summary->repaired));
        exit_code = summary->findings > 0 ? 1 : 0;
    });
}

}  // namespace imgsrv::app
