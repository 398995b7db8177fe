#include "unified_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imgsrv_incus {
namespace {

namespace sdk = imgsrv::sdk;

constexpr std::size_t kReadBlock = 256 * 1024;
constexpr int kMaxMembers = 10'000;
constexpr std::int64_t kMaxUnpacked = 256 * 1024 * 1024;

// What libarchive pulls from. A failure waits here until the C code on the stack has returned.
struct Source {
    const sdk::Call& call;
    sdk::OwnedReader& reader;
    std::vector<std::byte> block;
    std::exception_ptr failure;

    static la_ssize_t read(archive* a, void* self, const void** ret) noexcept {
        auto& source = *static_cast<Source*>(self);
        try {
            source.call.throw_if_cancelled();
            *ret = source.block.data();
            return static_cast<la_ssize_t>(source.reader.read(source.block));
        } catch (...) {
            source.failure = std::current_exception();
            archive_set_error(a, EIO, "the blob cannot be read");
            return ARCHIVE_FATAL;
        }
    }
};

struct Free {
    void operator()(archive* a) const noexcept { archive_read_free(a); }
};

[[noreturn]] void refuse(const std::string& why) {
    throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, why);
}

std::optional<Kind> kind_of_member(std::string_view path) {
    while (path.starts_with("./")) path.remove_prefix(2);
    if (path == "rootfs.img") return Kind::virtual_machine;
    if (path == "rootfs" || path.starts_with("rootfs/")) return Kind::container;
    return std::nullopt;
}

}  // namespace

Kind unified_kind(const sdk::Call& call, sdk::OwnedReader& reader) {
    Source source{call, reader, std::vector<std::byte>(kReadBlock), nullptr};
    const std::unique_ptr<archive, Free> a(archive_read_new());
    if (!a) throw std::bad_alloc();
    const auto check = [&](int result) {
        if (source.failure) std::rethrow_exception(source.failure);
        if (result >= ARCHIVE_WARN) return;
        const char* text = archive_error_string(a.get());
        refuse(std::string("is not a gzip-compressed tar archive: ") + (text ? text : "no reason given"));
    };
    check(archive_read_support_filter_gzip(a.get()));
    check(archive_read_support_format_tar(a.get()));
    check(archive_read_open(a.get(), &source, nullptr, Source::read, nullptr));

    std::int64_t unpacked = 0;
    for (int members = 0; members < kMaxMembers; ++members) {
        archive_entry* entry = nullptr;
        const int result = archive_read_next_header(a.get(), &entry);
        check(result);
        if (result == ARCHIVE_EOF) refuse("holds neither rootfs/ (container) nor rootfs.img (virtual machine)");
        const char* path = archive_entry_pathname(entry);
        if (const auto kind = kind_of_member(path ? path : "")) return *kind;
        // Checked before the member is skipped: skipping unpacks it.
        const std::int64_t size = archive_entry_size(entry);
        if (size < 0 || size > kMaxUnpacked - unpacked) break;
        unpacked += size;
    }
    refuse("holds no rootfs/ or rootfs.img within its first 256 MiB and 10,000 members");
}

}  // namespace imgsrv_incus
