#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/backends.h"
#include "app/backends/backup_drivers.h"
#include "app/backends/data_places.h"
#include "app/backends/layout.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/folder_flags.h"
#include "app/commands/progress_line.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/restore.h"

namespace imgsrv::app {
namespace {

void print_finding(const services::Finding& finding) {
    std::printf("%s; next: %s\n", finding.what.c_str(), finding.next.c_str());
}

Status print_restored(const config::Settings& settings, const services::BackupManifest& manifest,
                      const services::RestoreSummary& done) {
    for (const auto& fault : done.copied.faults) std::printf("not restored: %s\n", fault.c_str());
    std::printf("data-dir %s has %s of %s: the database and %llu objects (%s)\n", settings.text("data-dir").c_str(),
                extent(done.copied), manifest.created.c_str(), static_cast<unsigned long long>(done.copied.done),
                format_size(done.copied.done_bytes).c_str());
    if (done.copied.faults.empty() && done.fsck.findings == 0) return {};
    return {Code::data_loss, "the backup lacks what is named above; the server starts without it"};
}

Status restore(const FolderFlags& flags) {
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    IMGSRV_ASSIGN(auto drivers, BackupDrivers::choose(settings, registry));
    if (!drivers.database().in_data_dir)
        return {Code::failed_precondition, "'imgsrv restore' puts the database into data-dir; do not set " +
                                               drivers.database().setting(drivers.database().local->place_option)};
    IMGSRV_TRY(require_apart_to_restore(settings, registry, flags.folder));
    const services::BackupFolder folder(flags.folder);
    IMGSRV_ASSIGN(const auto manifest, folder.read());

    const ports::Call call{"restore", std::nullopt, nullptr};
    Backends backends;
    IMGSRV_TRY(lock_data_dir(settings, backends.data_lock));
    IMGSRV_TRY(open_object_store(settings, registry, settings.text("storage.driver"), backends));
    const auto& database = drivers.database().place;
    const services::RestoreTarget target{database, restoring_place(database), find_layout().migrations,
                                         *backends.objects, backends.objects_place};
    ProgressLine line;
    services::Restore work(folder, manifest, target, drivers, std::ref(line), print_finding);
    const auto done = work.run(call);
    line.end();
    IMGSRV_TRY(done.status());
    return print_restored(settings, manifest, *done);
}

}  // namespace

void add_restore_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand("restore", "Restore a backup into an empty data-dir");
    command->footer(
        "Exit status: 0 everything is restored, 1 it is not. An object that the backup lacks is named, and the rest "
        "is\n"
        "restored.");
    auto flags = std::make_shared<FolderFlags>(*command);
    command->callback([flags, &exit_code] {
        log::set_level(log::Level::warn);
        exit_code = end_with(restore(*flags));
    });
}

}  // namespace imgsrv::app
