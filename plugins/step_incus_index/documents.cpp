#include "documents.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "json_writer.h"

namespace imgsrv_incus {
namespace {

// How a root is listed: its file type, and the member of the metadata item that holds their common fingerprint.
struct RootNames {
    std::string_view file_type;
    std::string_view combined;
};

RootNames root_names(Format format) {
    switch (format) {
        case Format::qcow2:
            return {"disk-kvm.img", "combined_disk-kvm-img_sha256"};
        case Format::squashfs:
            return {"squashfs", "combined_squashfs_sha256"};
        case Format::root_tar_xz:
            return {"root.tar.xz", "combined_rootxz_sha256"};
        case Format::unified_tar_gz:
            break;
    }
    return {};
}

constexpr std::array<std::string_view, kClients.size()> kMetadataType{"incus.tar.xz", "lxd.tar.xz"};
constexpr std::array<std::string_view, kClients.size()> kUnifiedType{"incus_combined.tar.gz", "lxd_combined.tar.gz"};

struct Item {
    std::string key;
    std::string_view file_type;
    const File* file = nullptr;
    std::vector<std::pair<std::string_view, std::string_view>> extra;
};

// The metadata item of that type and file: one item serves the virtual machine and the container that share it.
Item& metadata_item(std::vector<Item>& items, std::string_view file_type, const File& file,
                    std::string_view root_type) {
    bool taken = false;
    for (Item& item : items) {
        if (item.file_type != file_type) continue;
        if (*item.file == file) return item;
        taken = true;
    }
    std::string key(file_type);
    if (taken) key.append(":").append(root_type);
    return items.emplace_back(Item{std::move(key), file_type, &file, {}});
}

std::vector<Item> items_of(const Product& product) {
    std::vector<Item> items;
    for (const Listing& listing : product.listings) {
        const ImageRow& row = *listing.row;
        const bool unified = row.format == Format::unified_tar_gz;
        const RootNames root = root_names(row.format);
        for (const Client client : kClients) {
            const auto i = static_cast<std::size_t>(client);
            if (!listing.shown[i]) continue;
            if (!unified) {
                const Metadata& metadata = client == Client::incus ? *row.incus : *row.lxd;
                metadata_item(items, kMetadataType[i], metadata.file, root.file_type)
                    .extra.emplace_back(root.combined, metadata.fingerprint);
                continue;
            }
            Item& item = items.emplace_back(Item{std::string(kUnifiedType[i]), kUnifiedType[i], &row.root, {}});
            if (row.kind == Kind::virtual_machine) item.extra.emplace_back("combined_type", "virtual-machine");
        }
        if (!unified) items.push_back({std::string(root.file_type), root.file_type, &row.root, {}});
    }
    return items;
}

void write_item(JsonWriter& json, const Item& item) {
    json.key(item.key).open('{');
    json.member("ftype", item.file_type).member("path", blob_path(item.file->sha256));
    json.member("sha256", item.file->sha256).member("size", item.file->size);
    for (const auto& [name, text] : item.extra) json.member(name, text);
    json.close('}');
}

void write_product(JsonWriter& json, const Product& product) {
    const Version& version = *product.version;
    std::string aliases;
    for (const std::string& alias : product.aliases) aliases.append(aliases.empty() ? "" : ",").append(alias);

    json.key(product.key).open('{');
    json.member("aliases", aliases).member("arch", product.sample->arch).member("os", product.sample->os);
    json.member("release", version.name);
    json.member("release_title",
                version.display_name.empty() ? version.image + " " + version.name : version.display_name);
    json.member("variant", product.sample->variant);
    // Maps of strings: one value of another type makes a client refuse the whole document.
    json.key("requirements").open('{').close('}').key("lxd_requirements").open('{').close('}');
    json.key("versions").open('{').key(serial(version.published_us)).open('{').key("items").open('{');
    for (const Item& item : items_of(product)) write_item(json, item);
    json.close('}').close('}').close('}').close('}');
}

}  // namespace

std::string blob_path(std::string_view sha256) {
    // The colon stays as it is: LXD escapes the path once more, so that %3A would arrive as %253A.
    return std::string("v1/blobs/sha256:").append(sha256);
}

std::string serial(std::int64_t published_us) {
    const auto minute = std::chrono::floor<std::chrono::minutes>(
        std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(published_us)));
    const auto day = std::chrono::floor<std::chrono::days>(minute);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(minute - day);
    char text[48];
    std::snprintf(text, sizeof text, "%04d%02u%02u_%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
    return text;
}

void write_index(const std::vector<Product>& products, const Output& out) {
    JsonWriter json(out);
    json.open('{').member("format", "index:1.0").key("index").open('{');
    // A client refuses an entry without products.
    if (!products.empty()) {
        json.key("images").open('{').member("datatype", "image-downloads").member("path", kImagesPath + 1);
        json.member("format", "products:1.0").key("products").open('[');
        for (const Product& product : products) json.value(product.key);
        json.close(']').close('}');
    }
    json.close('}').close('}');
    json.flush();
}

void write_images(const std::vector<Product>& products, const Output& out) {
    JsonWriter json(out);
    json.open('{').member("content_id", "images").member("datatype", "image-downloads");
    json.member("format", "products:1.0").key("products").open('{');
    for (const Product& product : products) write_product(json, product);
    json.close('}').close('}');
    json.flush();
}

}  // namespace imgsrv_incus
