#include "app/backends/data_places.h"

#include <string>
#include <system_error>
#include <vector>

namespace imgsrv::app {
namespace {

namespace fs = std::filesystem;

struct Place {
    std::string name;
    fs::path path;
    bool folder = true;
};

// Where the embedded database and store keep their data.
std::vector<Place> places_of(const config::Settings& settings) {
    std::vector<Place> places = {{"data-dir", settings.text("data-dir")}};
    const auto add = [&](const std::string& section, const std::string& driver, const std::string& option,
                         bool folder) {
        if (settings.text(section + ".driver") != driver) return;
        const auto options = settings.driver_options(section, driver);
        const auto at = options.find(option);
        if (at == options.end()) return;
        if (const auto* path = std::get_if<std::string>(&at->second.value))
            places.push_back({section + "." + driver + "." + option, *path, folder});
    };
    add("storage", "fs", "root", true);
    add("database", "sqlite", "path", false);
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

Status require_apart_to_back_up(const config::Settings& settings, const fs::path& backup) {
    const std::string then = "name a folder apart from it, best on another disk";
    for (const Place& place : places_of(settings)) {
        if (place.folder && is_within(backup, place.path)) return refusal(named(backup), named(place), then);
        if (is_within(place.path, backup)) return refusal(named(place), named(backup), then);
    }
    return {};
}

Status require_apart_to_restore(const config::Settings& settings, const fs::path& backup) {
    for (const Place& place : places_of(settings))
        if (is_within(place.path, backup))
            return refusal(named(place), named(backup), "restore to a place outside of it");
    return {};
}

}  // namespace imgsrv::app
