#include "streams_client.h"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace {

using nlohmann::json;

void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

StreamsClient::Image::File file(const json& item) {
    return {item.at("path").get<std::string>(), item.at("sha256").get<std::string>(),
            item.at("size").get<std::uint64_t>()};
}

bool is_root(const std::string& file_type) {
    return file_type == "disk-kvm.img" || file_type == "squashfs" || file_type == "root.tar.xz";
}

std::string combined_field(const std::string& root_type) {
    if (root_type == "disk-kvm.img") return "combined_disk-kvm-img_sha256";
    return root_type == "squashfs" ? "combined_squashfs_sha256" : "combined_rootxz_sha256";
}

}  // namespace

StreamsClient::StreamsClient(Kind kind, const std::string& index, const std::string& images)
    : name_(kind == Kind::incus ? "incus" : "lxd") {
    const json entries = json::parse(index).at("index");
    if (entries.empty()) return;
    const json& entry = entries.at("images");
    require(entry.at("datatype") == "image-downloads" && entry.at("path") == "streams/v1/images.json", "wrong index");
    require(!entry.at("products").empty(), "an index entry without products");

    const json products = json::parse(images).at("products");
    std::set<std::string> keys;
    for (const auto& [key, product] : products.items()) {
        keys.insert(key);
        for (const char* member : {"requirements", "lxd_requirements"})
            for (const auto& value : product.at(member)) require(value.is_string(), "a requirement is not a string");
        for (const auto& [serial, version] : product.at("versions").items()) {
            require(serial.size() == 14 && serial[8] == '_' && serial[11] == ':' &&
                        serial.find_first_not_of("0123456789") == 8,
                    "a client skips version " + serial);
            read_version(product, version);
        }
    }
    require(entry.at("products").get<std::set<std::string>>() == keys, "index and images do not list the same");
}

void StreamsClient::read_version(const json& product, const json& version) {
    for (const auto& metadata : version.at("items")) {
        const std::string type = metadata.at("ftype");
        if (type == name_ + "_combined.tar.gz") add(product, metadata, nullptr);
        if (type != name_ + ".tar.xz") continue;
        for (const auto& root : version.at("items")) {
            if (!is_root(root.at("ftype"))) continue;
            if (metadata.contains(combined_field(root.at("ftype")))) add(product, metadata, &root);
        }
    }
}

void StreamsClient::add(const json& product, const json& metadata, const json* root) {
    Image image;
    image.arch = product.at("arch");
    image.release = product.at("release");
    image.files.push_back(file(metadata));
    if (root != nullptr) {
        const std::string root_type = root->at("ftype");
        image.fingerprint = metadata.at(combined_field(root_type));
        image.type = root_type == "disk-kvm.img" ? "virtual-machine" : "container";
        image.files.push_back(file(*root));
    } else {
        image.fingerprint = metadata.at("sha256");
        image.type = name_ == "incus" ? metadata.value("combined_type", "container") : "container";
    }
    require(this->image(image.fingerprint) == nullptr, image.fingerprint + " is listed twice");

    const std::string aliases = product.at("aliases");
    for (std::size_t at = 0; at < aliases.size();) {
        const std::size_t comma = std::min(aliases.find(',', at), aliases.size());
        image.aliases.push_back(aliases.substr(at, comma - at));
        const std::string key = image.type + " " + image.arch + " " + image.aliases.back();
        require(aliases_.emplace(key, image.fingerprint).second, key + " has two claimants");
        at = comma + 1;
    }
    images_.push_back(std::move(image));
}

std::string StreamsClient::find(const std::string& type, const std::string& arch, const std::string& alias) const {
    const auto found = aliases_.find(type + " " + arch + " " + alias);
    return found == aliases_.end() ? "" : found->second;
}

const StreamsClient::Image* StreamsClient::image(const std::string& fingerprint) const {
    for (const Image& image : images_)
        if (image.fingerprint == fingerprint) return &image;
    return nullptr;
}
