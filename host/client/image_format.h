#pragma once

#include <string>
#include <string_view>

#include "core/status.h"

namespace imgsrv::client {

// A value of an artifact's `format` (config/openapi.yaml).
struct ImageFormat {
    std::string_view name;
    std::string_view media_type;
    // The bytes that every file of this format starts with; empty if the format has none.
    std::string_view magic;
    // Incus and LXD clients need a metadata attachment with it (plugins/step_incus_index/README.md).
    bool needs_metadata = false;
};

// invalid_argument lists the known formats.
Result<ImageFormat> find_format(std::string_view name);

// squashfs or root.tar.xz, by the first bytes of a container's root file system.
Result<ImageFormat> detect_rootfs(std::string_view head);

// The media type of an attachment, by the extension of its name; application/octet-stream if unknown.
std::string_view media_type_of(std::string_view name);

}  // namespace imgsrv::client
