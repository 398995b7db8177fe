#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imgsrv_incus {

// Changes whenever the meaning or the shape of a stored row changes: the host then has every version indexed again.
inline constexpr std::uint32_t kRowSchema = 1;

enum class Kind { container, virtual_machine };

// The formats that can be an Incus image, in the order in which a client prefers them for one kind.
enum class Format { qcow2, squashfs, root_tar_xz, unified_tar_gz };

// The catalogue's name of the format; nothing for one that is never an Incus image (`raw`, `raw.gz`).
std::optional<Format> parse_format(std::string_view name);
std::string_view format_name(Format format);

struct File {
    std::string sha256;  // 64 lower-case hex digits
    std::uint64_t size = 0;

    bool operator==(const File&) const = default;
};

// A metadata archive and the fingerprint that it makes together with the root: sha256(metadata ‖ root).
struct Metadata {
    File file;
    std::string fingerprint;

    bool operator==(const Metadata&) const = default;
};

// One Incus image, as it is stored for one artifact of one version: everything that rendering needs and that the host
// does not know (it adds the image, the version, the time of publication and the aliases).
struct ImageRow {
    std::string arch;  // as stream_architecture() gives it
    std::string os;
    std::string variant;
    Format format = Format::squashfs;
    Kind kind = Kind::container;
    File root;
    // What each client reads as metadata; both absent for a unified image, whose fingerprint is root.sha256.
    std::optional<Metadata> incus;
    std::optional<Metadata> lxd;

    bool operator==(const ImageRow&) const = default;
};

// Equal rows give equal bytes.
std::string to_json(const ImageRow& row);
// Throws std::invalid_argument, with a reason, for anything that to_json() does not write.
ImageRow parse_image_row(std::string_view json);

}  // namespace imgsrv_incus
