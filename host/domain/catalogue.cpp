#include "domain/catalogue.h"

#include <algorithm>
#include <array>

namespace imgsrv::domain {

std::string_view to_string(VersionState state) {
    switch (state) {
        case VersionState::draft:
            return "draft";
        case VersionState::publishing:
            return "publishing";
        case VersionState::published:
            return "published";
    }
    return "draft";
}

VersionState parse_version_state(std::string_view text) {
    if (text == "draft") return VersionState::draft;
    return text == "publishing" ? VersionState::publishing : VersionState::published;
}

Status check_format(std::string_view text) {
    static constexpr std::array<std::string_view, 6> kFormats = {"raw",      "raw.gz",      "qcow2",
                                                                 "squashfs", "root.tar.xz", "unified.tar.gz"};
    if (std::find(kFormats.begin(), kFormats.end(), text) != kFormats.end()) return {};
    return {Code::invalid_argument, "format '" + std::string(text.substr(0, 64)) +
                                        "' is not one of raw, raw.gz, qcow2, squashfs, root.tar.xz, unified.tar.gz"};
}

Status check_editable(std::string_view image, const Version& version) {
    if (version.state == VersionState::draft) return {};
    return {Code::failed_precondition, "version " + std::string(image) + " " + version.version + " is " +
                                           std::string(to_string(version.state)) + "; only a draft can be changed"};
}

}  // namespace imgsrv::domain
