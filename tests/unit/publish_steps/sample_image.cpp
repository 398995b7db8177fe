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

namespace {

// A tar archive that is written into a string as it goes.
class TarWriter {
  public:
    explicit TarWriter(bool gzip) : archive_(archive_write_new()) {
        if (gzip) {
            archive_write_add_filter_gzip(archive_);
            archive_write_set_filter_option(archive_, "gzip", "timestamp", nullptr);
        }
        archive_write_set_format_ustar(archive_);
        archive_write_set_bytes_per_block(archive_, 0);
        const auto write = [](archive*, void* to, const void* p, size_t n) -> la_ssize_t {
            auto& self = *static_cast<TarWriter*>(to);
            if (self.cut_off_) return -1;
            self.bytes_.append(static_cast<const char*>(p), n);
            return static_cast<la_ssize_t>(n);
        };
        if (archive_write_open2(archive_, this, nullptr, write, nullptr, nullptr) != ARCHIVE_OK)
            throw std::runtime_error("libarchive cannot write a tar archive");
    }
    ~TarWriter() { archive_write_free(archive_); }
    TarWriter(const TarWriter&) = delete;
    TarWriter& operator=(const TarWriter&) = delete;

    void header(const std::string& name, std::uint64_t size) {
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, name.c_str());
        archive_entry_set_filetype(entry, name.ends_with('/') ? AE_IFDIR : AE_IFREG);
        archive_entry_set_perm(entry, 0755);
        archive_entry_set_size(entry, static_cast<la_int64_t>(size));
        archive_write_header(archive_, entry);
        archive_entry_free(entry);
    }
    void data(const std::string& bytes) { archive_write_data(archive_, bytes.data(), bytes.size()); }
    std::string finish() {
        archive_write_close(archive_);
        return bytes_;
    }
    // Leaves the archive as it is.
    std::string cut_off() {
        cut_off_ = true;
        return bytes_;
    }

  private:
    archive* archive_;
    std::string bytes_;
    bool cut_off_ = false;
};

}  // namespace

std::string tar_gz(const std::vector<std::pair<std::string, std::string>>& members) {
    TarWriter tar(true);
    for (const auto& [name, content] : members) {
        tar.header(name, content.size());
        tar.data(content);
    }
    return tar.finish();
}

std::string tar_announcing(const std::string& name, std::uint64_t size) {
    TarWriter tar(false);
    tar.header(name, size);
    return tar.cut_off();
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
