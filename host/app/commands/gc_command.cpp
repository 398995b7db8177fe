#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "app/backends/stored_data.h"
#include "app/commands/command_end.h"
#include "app/commands/commands.h"
#include "app/commands/settings_flags.h"
#include "core/log.h"
#include "core/units.h"
#include "services/housekeeping/collector.h"
#include "services/housekeeping/store_identity.h"
#include "services/uploads/staging_sweeper.h"

namespace imgsrv::app {
namespace {

constexpr std::string_view kOperatorHold = "operator";

struct GcFlags {
    explicit GcFlags(CLI::App& command) : settings(command) {
        command.add_flag("--dry-run", dry_run, "only report what would be removed");
        command.add_option("--grace", grace,
                           "for this run, in place of gc-grace; 0s removes unreferenced blobs at once");
        auto* pause_option = command.add_option(
            "--pause", pause, "remove no object for this long, on any node: while the object store is backed up");
        command.add_flag("--all-orphans", all_orphans,
                         "remove objects without a blob even if they are most of the store");
        command.add_flag("--resume", resume, "end a pause")->excludes(pause_option);
    }

    SettingsFlags settings;
    bool dry_run = false;
    bool resume = false;
    bool all_orphans = false;
    std::string grace;
    std::string pause;
};

std::string shown(const store::collection::Totals& totals) {
    return std::to_string(totals.blobs) + " (" + format_size(totals.bytes) + ")";
}

void print(const char* what, const std::string& number) {
    std::printf("%-44s %s\n", what, number.c_str());
}

Status pause(const ports::Call& call, store::Pool& pool, std::chrono::milliseconds duration) {
    IMGSRV_ASSIGN(const Time until, pool.write(call, [&](store::Transaction& tx) -> Result<Time> {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_TRY(store::collection::hold(tx, kOperatorHold, now + duration));
        return now + duration;
    }));
    std::printf("no object is removed until %s\n", format_rfc3339(until).c_str());
    return {};
}

Status resume(const ports::Call& call, store::Pool& pool) {
    IMGSRV_TRY(pool.write(call, [](store::Transaction& tx) { return store::collection::release(tx, kOperatorHold); }));
    std::printf("unreferenced objects are removed again\n");
    return {};
}

Status preview(const ports::Call& call, services::Collector& collector) {
    IMGSRV_ASSIGN(const auto report, collector.preview(call));
    print("blobs that would be removed now", shown(report.collected));
    print("blobs newly unreferenced", shown(report.marked));
    print("objects without a blob that would be removed", shown(report.orphans));
    print("objects queued for removal", shown(report.removed));
    return {};
}

Status collect(const ports::Call& call, const config::Settings& settings, StoredData& data,
               services::Collector& collector) {
    store::Pool& pool = *data.backends.pool;
    services::CollectorReport report;
    IMGSRV_TRY(collector.collect(call, report));
    IMGSRV_TRY(collector.queue_orphans(call, report));
    if (data.objects_writable) {
        IMGSRV_TRY(collector.remove_queued(call, report));
        const auto ttl = std::chrono::duration_cast<std::chrono::seconds>(settings.duration("upload-ttl"));
        IMGSRV_TRY(services::StagingSweeper(pool, *data.backends.objects, ttl).sweep(call));
    }
    print("blobs found unreferenced", std::to_string(report.marked.blobs));
    print("blobs removed after the grace", shown(report.collected));
    print("objects without a blob", shown(report.orphans));
    print("objects removed from the store", shown(report.removed));
    std::string holder;
    store::collection::Totals waiting;
    IMGSRV_TRY(pool.read(call, [&](store::Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(holder, store::collection::holder(tx, now));
        IMGSRV_ASSIGN(waiting, store::collection::removal_totals(tx));
        return {};
    }));
    if (waiting.blobs == 0) return {};
    print("objects queued for removal", shown(waiting));
    if (!holder.empty())
        std::printf("%s holds them; 'imgsrv gc --resume' ends a pause, a backup ends by itself\n", holder.c_str());
    else if (!data.objects_writable)
        std::printf("the running server removes them within a minute\n");
    return {};
}

Status run(const GcFlags& flags) {
    log::set_level(log::Level::warn);
    IMGSRV_ASSIGN(const auto settings, flags.settings.load());
    services::CollectorOptions options;
    options.grace = settings.duration("gc-grace");
    if (!flags.grace.empty()) {
        IMGSRV_ASSIGN(options.grace, parse_duration(flags.grace));
    }
    options.all_orphans = flags.all_orphans;
    options.orphan_age = std::min(options.orphan_age, options.grace);

    const ports::Call call{"gc", std::nullopt, nullptr};
    StoredData data;
    IMGSRV_TRY(load_drivers(settings, data.registry));
    IMGSRV_TRY(open_stored_data(settings, call, ObjectAccess::write_if_free, data));
    if (!flags.pause.empty()) {
        IMGSRV_ASSIGN(const auto duration, parse_duration(flags.pause));
        return pause(call, *data.backends.pool, duration);
    }
    if (flags.resume) return resume(call, *data.backends.pool);
    services::StoreIdentity identity(*data.backends.pool, *data.backends.objects, data.backends.objects_place);
    IMGSRV_TRY(identity.check(call).status());
    services::Collector collector(*data.backends.pool, *data.backends.objects, options);
    return flags.dry_run ? preview(call, collector) : collect(call, settings, data, collector);
}

}  // namespace

void add_gc_command(CLI::App& app, int& exit_code) {
    auto* command = app.add_subcommand("gc",
                                       "Remove blobs that no version, draft or upload refers to, and objects without a "
                                       "row; the server may be running");
    auto flags = std::make_shared<GcFlags>(*command);
    command->callback([flags, &exit_code] { exit_code = end_with(run(*flags)); });
}

}  // namespace imgsrv::app
