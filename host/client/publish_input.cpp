#include "client/publish_input.h"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace imgsrv::client {
namespace {

constexpr std::size_t kHeadSize = 16;
constexpr std::string_view kMetadataName = "incus.tar.xz";

// The index of the file in input.files; opens and adds it if it is new.
Result<std::size_t> open_once(PublishInput& input, const std::string& path, std::string_view media_type) {
    for (std::size_t i = 0; i < input.files.size(); ++i)
        if (input.files[i].file.path() == path) return i;
    IMGSRV_ASSIGN(LocalFile file, LocalFile::open(path));
    input.files.push_back({.file = std::move(file), .media_type = std::string(media_type)});
    return input.files.size() - 1;
}

Status add_root(PublishInput& input, const std::string& path, const ImageFormat& format) {
    IMGSRV_ASSIGN(const std::size_t at, open_once(input, path, format.media_type));
    if (!input.files[at].file.head(kHeadSize).starts_with(format.magic))
        return Status(Code::invalid_argument, "'" + path + "' is not a " + std::string(format.name) + " file");
    for (const auto& root : input.roots)
        if (root.format.name == format.name)
            return Status(Code::invalid_argument, "a version has only one " + std::string(format.name) +
                                                      " per operating system, architecture and variant, but '" +
                                                      input.files[root.file].file.path() + "' and '" + path +
                                                      "' were given");
    input.roots.push_back({.file = at, .format = format});
    return {};
}

Status add_extra(PublishInput& input, const std::string& name, const std::string& path, const std::string& media_type) {
    for (const auto& extra : input.extras)
        if (extra.name == name) return Status(Code::invalid_argument, "the attachment '" + name + "' is given twice");
    IMGSRV_ASSIGN(const std::size_t at, open_once(input, path, media_type));
    input.extras.push_back({.name = name, .file = at, .media_type = media_type});
    return {};
}

Status add_rootfs(PublishInput& input, const std::string& path) {
    IMGSRV_ASSIGN(const LocalFile file, LocalFile::open(path));
    auto format = detect_rootfs(file.head(kHeadSize));
    if (!format.ok()) return Status(Code::invalid_argument, "'" + path + "' " + std::string(format.status().message()));
    return add_root(input, path, *format);
}

Status add_file(PublishInput& input, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals + 1 == text.size())
        return Status(Code::invalid_argument, "--file takes FORMAT=FILE, not '" + text + "'");
    IMGSRV_ASSIGN(const ImageFormat format, find_format(text.substr(0, equals)));
    return add_root(input, text.substr(equals + 1), format);
}

bool is_media_type(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == 0 || slash == std::string_view::npos || slash + 1 == text.size()) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                                  std::string_view("!#$&-^_.+/").find(c) != std::string_view::npos;
                       }) &&
           text.find('/', slash + 1) == std::string_view::npos;
}

}  // namespace

Result<AttachmentOption> parse_attachment(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
        return Status(Code::invalid_argument, "--attach takes NAME=FILE or NAME=FILE:TYPE, not '" + text + "'");
    AttachmentOption option{.name = text.substr(0, equals), .path = text.substr(equals + 1), .media_type = {}};
    std::error_code ignored;
    const std::size_t colon = option.path.rfind(':');
    if (colon != std::string::npos && is_media_type(std::string_view(option.path).substr(colon + 1)) &&
        !std::filesystem::exists(option.path, ignored)) {
        option.media_type = option.path.substr(colon + 1);
        option.path.erase(colon);
    }
    if (option.media_type.empty()) option.media_type = media_type_of(option.name);
    return option;
}

Result<PublishInput> open_input(const PublishOptions& options) {
    PublishInput input;
    IMGSRV_ASSIGN(const ImageFormat qcow2, find_format("qcow2"));
    IMGSRV_ASSIGN(const ImageFormat unified, find_format("unified.tar.gz"));
    for (const auto& path : options.disks) IMGSRV_TRY(add_root(input, path, qcow2));
    for (const auto& path : options.rootfs) IMGSRV_TRY(add_rootfs(input, path));
    for (const auto& path : options.unified) IMGSRV_TRY(add_root(input, path, unified));
    for (const auto& text : options.files) IMGSRV_TRY(add_file(input, text));
    if (input.roots.empty())
        return Status(Code::invalid_argument, "nothing to publish: use --disk, --rootfs, --unified or --file");

    if (!options.metadata.empty())
        IMGSRV_TRY(
            add_extra(input, std::string(kMetadataName), options.metadata, std::string(media_type_of(kMetadataName))));
    for (const auto& text : options.attachments) {
        IMGSRV_ASSIGN(const AttachmentOption a, parse_attachment(text));
        IMGSRV_TRY(add_extra(input, a.name, a.path, a.media_type));
    }
    return input;
}

std::vector<Artifact> PublishInput::artifacts(const PublishOptions& options) const {
    std::vector<Artifact> all;
    for (const Root& root : roots) {
        const LocalFile& file = files[root.file].file;
        Artifact artifact{.id = {},
                          .operating_system = options.operating_system,
                          .architecture = options.architecture,
                          .variant = options.variant,
                          .format = std::string(root.format.name),
                          .digest = file.digest(),
                          .size = file.size(),
                          .media_type = std::string(root.format.media_type),
                          .attachments = {}};
        for (const Extra& extra : extras) {
            const LocalFile& attached = files[extra.file].file;
            artifact.attachments.push_back({.id = {},
                                            .name = extra.name,
                                            .media_type = extra.media_type,
                                            .digest = attached.digest(),
                                            .size = attached.size()});
        }
        all.push_back(std::move(artifact));
    }
    return all;
}

}  // namespace imgsrv::client
