#include "sample_image.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace sample {

std::string qcow2(std::string_view what) {
    return std::string("QFI\xfb").append(what);
}
std::string squashfs(std::string_view what) {
    return std::string("hsqs").append(what);
}
std::string tar_xz(std::string_view what) {
    return std::string(
               "\xfd"
               "7zXZ\0",
               6)
        .append(what);
}

std::string tar_gz(const std::vector<std::pair<std::string, std::string>>& members) {
    std::string out;
    archive* a = archive_write_new();
    archive_write_add_filter_gzip(a);
    archive_write_set_filter_option(a, "gzip", "timestamp", nullptr);
    archive_write_set_format_ustar(a);
    const auto write = [](archive*, void* to, const void* p, size_t n) -> la_ssize_t {
        static_cast<std::string*>(to)->append(static_cast<const char*>(p), n);
        return static_cast<la_ssize_t>(n);
    };
    if (archive_write_open2(a, &out, nullptr, write, nullptr, nullptr) != ARCHIVE_OK) throw std::runtime_error("tar");
    for (const auto& [name, content] : members) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
        archive_entry_set_perm(entry, 0755);
        archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
        archive_write_header(a, entry);
        archive_write_data(a, content.data(), content.size());
        archive_entry_free(entry);
    }
    archive_write_close(a);
    archive_write_free(a);
    return out;
}

std::string unified_container(std::string_view what) {
    return tar_gz({{"metadata.yaml", std::string(what)}, {"templates/", ""}, {"rootfs/", ""}, {"rootfs/etc/", ""}});
}

std::string unified_vm(std::string_view what) {
    return tar_gz({{"metadata.yaml", std::string(what)}, {"rootfs.img", qcow2(what)}});
}

std::string sha256(std::string_view bytes) {
    std::array<unsigned char, 32> digest{};
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    return hex;
}

}  // namespace sample
