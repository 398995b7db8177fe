#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/backup_drivers.h"
#include "app/backends/data_places.h"
#include "app/backends/stored_data.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/folder_flags.h"
#include "app/commands/progress_line.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/backup.h"

namespace imgsrv::app {
namespace {

Status print_backup(const std::string& folder, const services::BackupSummary& done) {
    const auto& copied = done.copied;
    std::printf("%s has %s of %s: the database and %llu objects (%s), %llu of them new\n", folder.c_str(),
                extent(copied), done.manifest.created.c_str(), static_cast<unsigned long long>(copied.done),
                format_size(copied.done_bytes).c_str(), static_cast<unsigned long long>(copied.copied));
    for (const auto& fault : copied.faults) std::printf("not in the backup: %s\n", fault.c_str());
    if (copied.faults.empty()) return {};
    return {Code::data_loss,
            std::to_string(copied.faults.size()) +
                " objects could not be read and are not in the backup; 'imgsrv fsck --deep' tells more"};
}

Status backup(const FolderFlags& flags) {
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    const ports::Call call{"backup", std::nullopt, nullptr};
    StoredData data;
    IMGSRV_TRY(load_drivers(settings, data.registry));
    IMGSRV_ASSIGN(auto drivers, BackupDrivers::choose(settings, data.registry));
    IMGSRV_TRY(require_apart_to_back_up(settings, data.registry, flags.folder));
    IMGSRV_TRY(open_stored_data(settings, call, ObjectAccess::read, data));
    services::StoreIdentity identity(*data.backends.pool, *data.backends.objects, data.backends.objects_place);
    ProgressLine line;
    services::Backup work(*data.backends.pool, *data.backends.objects, identity, drivers, IMGSRV_VERSION,
                          std::ref(line));
    const auto done = work.run(call, flags.folder);
    line.end();
    IMGSRV_TRY(done.status());
    return print_backup(flags.folder, *done);
}

}  // namespace

void add_backup_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand(
        "backup",
        "Copy the embedded database and every object into a folder while the server runs; repeat to add what is new");
    command->footer(
        "Objects that DIR already has with the right size are skipped and not read again. To prove a backup, restore\n"
        "it elsewhere and run 'imgsrv fsck --deep' there. DIR is outside of data-dir and the store.\n"
        "Exit status: 0 the backup is complete, 1 it is not. An object that cannot be copied is named, and the rest "
        "is\n"
        "in the backup.");
    auto flags = std::make_shared<FolderFlags>(*command);
    command->callback([flags, &exit_code] {
        log::set_level(log::Level::warn);
        exit_code = end_with(backup(*flags));
    });
}

}  // namespace imgsrv::app
