#include "image_row.h"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace imgsrv_incus {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<Format, std::string_view>, 4> kFormats{{
    {Format::qcow2, "qcow2"},
    {Format::squashfs, "squashfs"},
    {Format::root_tar_xz, "root.tar.xz"},
    {Format::unified_tar_gz, "unified.tar.gz"},
}};

constexpr std::string_view kContainer = "container";
constexpr std::string_view kVirtualMachine = "virtual-machine";

json file_json(const File& file) {
    return {{"sha256", file.sha256}, {"size", file.size}};
}

json metadata_json(const Metadata& metadata) {
    json out = file_json(metadata.file);
    out["fingerprint"] = metadata.fingerprint;
    return out;
}

std::string hex_digest(const json& from, const char* member) {
    std::string hex = from.at(member).get<std::string>();
    if (hex.size() != 64 || hex.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw std::invalid_argument(std::string(member) + " is not 64 lower-case hex digits");
    return hex;
}

File parse_file(const json& from) {
    return {hex_digest(from, "sha256"), from.at("size").get<std::uint64_t>()};
}

std::optional<Metadata> parse_metadata(const json& row, const char* member) {
    const auto found = row.find(member);
    if (found == row.end()) return std::nullopt;
    return Metadata{parse_file(*found), hex_digest(*found, "fingerprint")};
}

Kind parse_kind(std::string_view name) {
    if (name == kContainer) return Kind::container;
    if (name == kVirtualMachine) return Kind::virtual_machine;
    throw std::invalid_argument("unknown type \"" + std::string(name) + "\"");
}

}  // namespace

std::optional<Format> parse_format(std::string_view name) {
    for (const auto& [format, known] : kFormats)
        if (known == name) return format;
    return std::nullopt;
}

std::string_view format_name(Format format) {
    for (const auto& [known, name] : kFormats)
        if (known == format) return name;
    return {};
}

std::string to_json(const ImageRow& row) {
    json out{{"arch", row.arch},
             {"os", row.os},
             {"variant", row.variant},
             {"format", format_name(row.format)},
             {"type", row.kind == Kind::container ? kContainer : kVirtualMachine},
             {"root", file_json(row.root)}};
    if (row.incus) out["incus"] = metadata_json(*row.incus);
    if (row.lxd) out["lxd"] = metadata_json(*row.lxd);
    return out.dump();
}

ImageRow parse_image_row(std::string_view text) {
    try {
        const json in = json::parse(text);
        const auto format = parse_format(in.at("format").get_ref<const std::string&>());
        if (!format) throw std::invalid_argument("unknown format");
        ImageRow row{in.at("arch").get<std::string>(),
                     in.at("os").get<std::string>(),
                     in.at("variant").get<std::string>(),
                     *format,
                     parse_kind(in.at("type").get_ref<const std::string&>()),
                     parse_file(in.at("root")),
                     parse_metadata(in, "incus"),
                     parse_metadata(in, "lxd")};
        const bool split = row.format != Format::unified_tar_gz;
        if (row.incus.has_value() != split || row.lxd.has_value() != split)
            throw std::invalid_argument(split ? "metadata is missing" : "a unified image has no metadata of its own");
        return row;
    } catch (const json::exception& e) {
        throw std::invalid_argument(e.what());
    }
}

}  // namespace imgsrv_incus
