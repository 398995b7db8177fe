#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace imgsrv::domain {

struct Blob {
    std::string digest;
    std::uint64_t size = 0;
    std::string storage_key;
    Time created;
    // How its bytes were found missing or wrong. A damaged blob is not served until it is uploaded again.
    std::optional<std::string> damage;
};

struct Image {
    std::string id;
    std::string name;
    std::optional<std::string> display_name;
    std::optional<std::string> description;
    Time created;
    Time updated;
};

// draft → publishing → published (for good), or back to draft when its job is abandoned.
enum class VersionState { draft, publishing, published };
std::string_view to_string(VersionState state);
VersionState parse_version_state(std::string_view text);  // text comes from the database

struct Version {
    std::string id;
    std::string image_id;
    std::string version;
    VersionState state = VersionState::draft;
    std::optional<Time> published;
    Time created;
    Time updated;
};

struct Attachment {
    std::string id;
    std::string artifact_id;
    std::string name;
    std::string media_type;
    std::string blob_digest;
    std::uint64_t blob_size = 0;
    Time created;
};

struct Artifact {
    std::string id;
    std::string version_id;
    std::string operating_system;
    std::string architecture;
    std::string variant;
    std::string format;
    std::string blob_digest;
    std::uint64_t blob_size = 0;
    std::string media_type;
    Time created;
    std::vector<Attachment> attachments;
};

struct Alias {
    std::string id;
    std::string image_id;
    std::string alias;
    std::string version_id;
    std::string version;
    Time created;
    Time updated;
};

struct Manifest {
    Image image;
    Version version;
    std::vector<Artifact> artifacts;
};

// raw, raw.gz, qcow2, squashfs, root.tar.xz, unified.tar.gz; invalid_argument lists them.
Status check_format(std::string_view text);

// Only a draft may be changed: failed_precondition names the version and its state.
Status check_editable(std::string_view image, const Version& version);

}  // namespace imgsrv::domain
