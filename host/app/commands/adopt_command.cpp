#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/stored_data.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/settings_flags.h"
#include "core/log.h"
#include "services/housekeeping/store_identity.h"

namespace imgsrv::app {
namespace {

struct AdoptFlags {
    explicit AdoptFlags(CLI::App& command) : settings(command) {
        command.add_flag("--force", forced,
                         "even if it holds none of the database's blobs or belongs to another database");
    }

    SettingsFlags settings;
    bool forced = false;
};

Status adopt(const AdoptFlags& flags) {
    log::set_level(log::Level::warn);
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    const ports::Call call{"adopt", std::nullopt, nullptr};
    StoredData data;
    IMGSRV_TRY(load_drivers(settings, data.registry));
    IMGSRV_TRY(open_stored_data(settings, call, ObjectAccess::write_if_free, data));
    if (!data.objects_writable)
        return {Code::failed_precondition, "a running server uses the object store; stop it first"};
    services::StoreIdentity identity(*data.backends.pool, *data.backends.objects, data.backends.objects_place);
    IMGSRV_ASSIGN(const std::string id, identity.adopt(call, flags.forced));
    std::printf("%s now belongs to this database, with the id %s\n", data.backends.objects_place.c_str(), id.c_str());
    return {};
}

}  // namespace

void add_adopt_command(CLI::App& storage, int& exit_code) {
    auto* command = storage.add_subcommand(
        "adopt", "Mark the configured object store as this database's, after it lost its id or was copied without it");
    auto flags = std::make_shared<AdoptFlags>(*command);
    command->callback([flags, &exit_code] { exit_code = end_with(adopt(*flags)); });
}

}  // namespace imgsrv::app
