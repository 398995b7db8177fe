#include "app/backends/data_places.h"

#include <string>
#include <system_error>
#include <vector>

#include "app/backends/configured_driver.h"

namespace imgsrv::app {
namespace {

namespace fs = std::filesystem;

struct Place {
    std::string name;
    fs::path path;
    bool folder = true;
};

// Where the configured database and store keep their local data; data-dir covers what is below it.
Result<std::vector<Place>> places_of(const config::Settings& settings, const plugin::PluginRegistry& registry) {
    std::vector<Place> places = {{"data-dir", settings.text("data-dir")}};
    for (const auto kind : {plugin::Kind::object_store, plugin::Kind::database}) {
        IMGSRV_ASSIGN(const auto driver,
                      configure_driver(settings, registry, kind, settings.text(section_of(kind) + ".driver")));
        if (driver.local && !driver.in_data_dir)
            places.push_back({driver.setting(driver.local->place_option), driver.place, driver.local->folder});
    }
    return places;
}

fs::path resolved(const fs::path& path) {
    std::error_code ec;
    fs::path whole = fs::weakly_canonical(fs::absolute(path, ec), ec);
    if (ec) whole = fs::absolute(path, ec).lexically_normal();
    return whole.has_filename() ? whole : whole.parent_path();
}

// Whether it is the folder, or below it, also by another mount of the same file system.
bool is_within(const fs::path& inner, const fs::path& folder) {
    const fs::path outer = resolved(folder);
    std::error_code ec;
    for (fs::path at = resolved(inner);; at = at.parent_path()) {
        if (at == outer || fs::equivalent(at, outer, ec)) return true;
        if (at == at.parent_path()) return false;
    }
}

Status refusal(const std::string& inner, const std::string& outer, const std::string& then) {
    return {Code::failed_precondition,
            inner + " is, or is inside of, " + outer + "; " + then + ". Nothing was changed"};
}

std::string named(const Place& place) {
    return place.name + " '" + place.path.string() + "'";
}

std::string named(const fs::path& backup) {
    return "the backup's folder '" + backup.string() + "'";
}

}  // namespace

Status require_apart_to_back_up(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                const fs::path& backup) {
    IMGSRV_ASSIGN(const auto places, places_of(settings, registry));
    const std::string then = "name a folder apart from it, best on another disk";
    for (const Place& place : places) {
        if (place.folder && is_within(backup, place.path)) return refusal(named(backup), named(place), then);
        if (is_within(place.path, backup)) return refusal(named(place), named(backup), then);
    }
    return {};
}

Status require_apart_to_restore(const config::Settings& settings, const plugin::PluginRegistry& registry,
                                const fs::path& backup) {
    IMGSRV_ASSIGN(const auto places, places_of(settings, registry));
    for (const Place& place : places)
        if (is_within(place.path, backup))
            return refusal(named(place), named(backup), "restore to a place outside of it");
    return {};
}

}  // namespace imgsrv::app
