#include "client/image_format.h"

#include <array>
#include <utility>

namespace imgsrv::client {
namespace {

constexpr std::string_view kQcow2("QFI\xfb", 4);
constexpr std::string_view kSquashfs("hsqs", 4);
constexpr std::string_view kXz(
    "\xfd"
    "7zXZ\0",
    6);
constexpr std::string_view kGzip("\x1f\x8b", 2);

constexpr std::array<ImageFormat, 6> kFormats = {{
    {"raw", "application/octet-stream", "", false},
    {"raw.gz", "application/gzip", kGzip, false},
    {"qcow2", "application/x-qemu-disk", kQcow2, true},
    {"squashfs", "application/vnd.squashfs", kSquashfs, true},
    {"root.tar.xz", "application/x-xz", kXz, true},
    {"unified.tar.gz", "application/gzip", kGzip, false},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMediaTypes = {{
    {".json", "application/json"},
    {".txt", "text/plain"},
    {".md", "text/markdown"},
    {".yaml", "application/yaml"},
    {".xz", "application/x-xz"},
    {".gz", "application/gzip"},
    {".zst", "application/zstd"},
    {".tar", "application/x-tar"},
    {".asc", "application/pgp-signature"},
}};

}  // namespace

Result<ImageFormat> find_format(std::string_view name) {
    std::string known;
    for (const ImageFormat& format : kFormats) {
        if (format.name == name) return format;
        known += (known.empty() ? "" : ", ") + std::string(format.name);
    }
    return Status(Code::invalid_argument, "'" + std::string(name) + "' is not an image format; use one of " + known);
}

Result<ImageFormat> detect_rootfs(std::string_view head) {
    if (head.starts_with(kSquashfs)) return find_format("squashfs");
    if (head.starts_with(kXz)) return find_format("root.tar.xz");
    return Status(Code::invalid_argument,
                  "is neither a squashfs nor an xz file; a container's root file system must be one of them");
}

std::string_view media_type_of(std::string_view name) {
    for (const auto& [ending, type] : kMediaTypes)
        if (name.ends_with(ending)) return type;
    return "application/octet-stream";
}

}  // namespace imgsrv::client
