#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/backends.h"
#include "app/backends/schema.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/progress_line.h"
#include "app/commands/settings_flags.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/store_identity.h"
#include "store/housekeeping/database_copy.h"
#include "store/migrations.h"

namespace imgsrv::app {
namespace {

struct CopyFlags {
    explicit CopyFlags(CLI::App& command) : settings(command) {
        command.add_option("--from", from, "the driver to copy from")->required();
        command.add_option("--to", to, "the driver to copy to")->required();
    }

    Result<config::Settings> load() const {
        log::set_level(log::Level::warn);
        if (from == to) return Status(Code::invalid_argument, "--from and --to name the same driver '" + from + "'");
        return settings.load();
    }

    SettingsFlags settings;
    std::string from, to;
};

Status print_copied(const std::string& target, const services::StorageCopyProgress& done) {
    std::printf("%llu objects (%s) are in '%s', %llu of them copied now\n", static_cast<unsigned long long>(done.done),
                format_size(done.done_bytes).c_str(), target.c_str(), static_cast<unsigned long long>(done.copied));
    for (const auto& fault : done.faults) std::printf("not copied: %s\n", fault.c_str());
    if (done.faults.empty()) return {};
    return {Code::data_loss, std::to_string(done.faults.size()) +
                                 " objects could not be copied; they are named above. To do without them, take '" +
                                 target + "' as it is with 'imgsrv storage adopt --storage-driver " + target + "'"};
}

Status copy_storage(const CopyFlags& flags, const services::StorageCopyOptions& options) {
    IMGSRV_ASSIGN(const auto settings, flags.load());
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    const ports::Call call{"storage-copy", std::nullopt, nullptr};
    // A running server may use the source.
    Backends source, target;
    IMGSRV_TRY(open_database(settings, registry, source, DataDir::shared));
    IMGSRV_TRY(require_current_schema(source, call));
    IMGSRV_TRY(open_object_store(settings, registry, flags.from, source, DataDir::shared));
    IMGSRV_TRY(open_object_store(settings, registry, flags.to, target));

    services::StoreIdentity identity(*source.pool, *source.objects, source.objects_place);
    IMGSRV_ASSIGN(const std::string id, identity.check(call));
    IMGSRV_TRY(services::require_no_other_id(call, *target.objects, target.objects_place, id));

    ProgressLine line;
    services::StorageCopy copy(*source.pool, *source.pool, *source.objects, *target.objects, options, std::ref(line));
    const auto done = copy.run(call);
    line.end();
    IMGSRV_TRY(done.status());
    IMGSRV_TRY(print_copied(flags.to, *done));
    // Commit point: the target is complete, so a server may start on it.
    IMGSRV_TRY(services::put_store_id(call, *target.objects, target.objects_place, id));
    std::printf(
        "To change over: stop the server, run this command again for what is new, set storage.driver to '%s', and "
        "start it. Uploads that are not complete by then begin again.\n",
        flags.to.c_str());
    return {};
}

Status copy_database(const CopyFlags& flags) {
    IMGSRV_ASSIGN(const auto settings, flags.load());
    plugin::PluginRegistry registry;
    IMGSRV_TRY(load_drivers(settings, registry));
    const ports::Call call{"database-copy", std::nullopt, nullptr};
    // Holds the source exclusively: what a running server wrote after the snapshot would be lost.
    Backends source, target;
    IMGSRV_TRY(open_database(settings, registry, flags.from, source, DataDir::exclusive));
    IMGSRV_TRY(require_current_schema(source, call));
    IMGSRV_TRY(open_database(settings, registry, flags.to, target, DataDir::exclusive));
    IMGSRV_ASSIGN(const auto known, known_migrations(target));
    IMGSRV_TRY(store::migrate(*target.pool, call, known).status());
    IMGSRV_TRY(store::copy_database(*source.pool, *target.pool, call, [](const store::CopiedTable& table) {
                   std::printf("%-28s %llu rows\n", table.name.c_str(), static_cast<unsigned long long>(table.rows));
               }).status());
    std::printf("Everything is in '%s'. To change over: set database.driver to '%s' and start the server.\n",
                flags.to.c_str(), flags.to.c_str());
    return {};
}

}  // namespace

void add_storage_command(CLI::App& app, int& exit_code) {
    auto* storage = app.add_subcommand("storage", "Work on the object store")->require_subcommand(1);
    auto* copy = storage->add_subcommand(
        "copy", "Copy every object that the catalogue needs to another store while the server runs");
    copy->footer(
        "Objects that the target already has with the right size are skipped, unless --verify finds them damaged.\n"
        "Exit status: 0 the target is complete, 1 it is not. An object that cannot be copied is named, and the rest\n"
        "is copied.");
    auto flags = std::make_shared<CopyFlags>(*copy);
    auto options = std::make_shared<services::StorageCopyOptions>();
    copy->add_flag("--verify", options->verify, "read every object back from the target and compare digests");
    copy->add_option("--parallel", options->parallel, "objects copied at a time")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    copy->callback([flags, options, &exit_code] { exit_code = end_with(copy_storage(*flags, *options)); });
    add_adopt_command(*storage, exit_code);
}

void add_database_command(CLI::App& app, int& exit_code) {
    auto* database = app.add_subcommand("database", "Work on the database")->require_subcommand(1);
    auto* copy = database->add_subcommand("copy", "Copy everything to an empty database");
    auto flags = std::make_shared<CopyFlags>(*copy);
    copy->callback([flags, &exit_code] { exit_code = end_with(copy_database(*flags)); });
}

}  // namespace imgsrv::app
