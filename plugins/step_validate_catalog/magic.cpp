#include "magic.h"

#include <algorithm>
#include <array>

namespace imgsrv_validate {
namespace {

constexpr std::string_view kGzip("\x1f\x8b", 2);
constexpr std::string_view kXz(
    "\xfd"
    "7zXZ\0",
    6);
constexpr std::string_view kQcow2("QFI\xfb", 4);
constexpr std::string_view kSquashfs("hsqs", 4);

constexpr std::array<Magic, 5> kFormats{{
    {"qcow2", kQcow2, "a qcow2 disk"},
    {"squashfs", kSquashfs, "a squashfs file system"},
    {"root.tar.xz", kXz, "an xz-compressed file"},
    {"raw.gz", kGzip, "a gzip-compressed file"},
    {"unified.tar.gz", kGzip, "a gzip-compressed file"},
}};
static_assert(std::ranges::all_of(kFormats, [](const Magic& m) { return m.bytes.size() <= kMagicBytes; }));

}  // namespace

const Magic* magic_of(std::string_view format) {
    const auto found = std::ranges::find(kFormats, format, &Magic::format);
    return found == kFormats.end() ? nullptr : &*found;
}

std::string_view recognise(std::string_view head) {
    const auto found = std::ranges::find_if(kFormats, [&](const Magic& m) { return head.starts_with(m.bytes); });
    return found == kFormats.end() ? std::string_view() : found->name;
}

}  // namespace imgsrv_validate
