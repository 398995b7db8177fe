#include "stream.h"

#include <fcntl.h>

#include <cerrno>

namespace imgsrv::fs {
namespace {

constexpr std::uint64_t kWindow = 8ULL << 20;
constexpr std::uint64_t kWindowsBehind = 2;
constexpr std::uint64_t kCopyStep = 64ULL << 20;  // between two looks at the call

void write_back_range(const Volume& volume, int fd, std::uint64_t offset, std::uint64_t size, unsigned flags) {
    if (::sync_file_range(fd, static_cast<off64_t>(offset), static_cast<off64_t>(size), flags) == 0) return;
    // The error is reported here once and the sync at the end would not see it again.
    if (errno == EIO || errno == ENOSPC || errno == EDQUOT) throw volume.failure(errno, "write to the disk");
}

void copy_through_memory(const Volume& volume, int from, std::uint64_t from_offset, int to, std::uint64_t to_offset,
                         std::uint64_t size) {
    const auto block = std::make_unique_for_overwrite<std::byte[]>(kBlockBytes);
    RangeWriter writer(volume, to, to_offset);
    for (std::uint64_t done = 0; done < size;) {
        const auto want = std::min<std::uint64_t>(size - done, kBlockBytes);
        const ssize_t n = ::pread(from, block.get(), want, static_cast<off_t>(from_offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw volume.failure(errno, "read the source of a copy");
        if (n == 0) throw sdk::Failure(IMGSRV_DATA_LOSS, "the source of a copy is shorter than recorded");
        writer.write({block.get(), static_cast<std::size_t>(n)});
        done += static_cast<std::uint64_t>(n);
    }
}

}  // namespace

void RangeWriter::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset_ + written_));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw volume_.failure(n < 0 ? errno : EIO, "write to the disk");
        written_ += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    write_back();
}

void RangeWriter::write_back() {
    if (!volume_.durable()) return;
    for (; written_ - started_ >= kWindow; started_ += kWindow) {
        write_back_range(volume_, fd_, offset_ + started_, kWindow, SYNC_FILE_RANGE_WRITE);
    }
    for (; started_ - settled_ > kWindowsBehind * kWindow; settled_ += kWindow) {
        write_back_range(volume_, fd_, offset_ + settled_, kWindow,
                         SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
}

void copy_range(const sdk::Call& call, const Volume& volume, int from, std::uint64_t from_offset, int to,
                std::uint64_t to_offset, std::uint64_t size) {
    while (size > 0) {
        call.throw_if_cancelled();
        const std::size_t step = static_cast<std::size_t>(std::min(size, kCopyStep));
        auto in = static_cast<off64_t>(from_offset);
        auto out = static_cast<off64_t>(to_offset);
        ssize_t n = ::copy_file_range(from, &in, to, &out, step, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
            copy_through_memory(volume, from, from_offset, to, to_offset, step);
            n = static_cast<ssize_t>(step);
        }
        if (n < 0) throw volume.failure(errno, "copy inside of the store");
        if (n == 0) throw sdk::Failure(IMGSRV_DATA_LOSS, "the source of a copy is shorter than recorded");
        from_offset += static_cast<std::uint64_t>(n);
        to_offset += static_cast<std::uint64_t>(n);
        size -= static_cast<std::uint64_t>(n);
    }
}

FileSource::FileSource(Fd fd, std::uint64_t offset, std::uint64_t size)
    : fd_(std::move(fd)), offset_(offset), size_(size) {
    ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_SEQUENTIAL);
}

std::size_t FileSource::read(std::span<std::byte> buffer) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - done_));
    if (want == 0) return 0;
    for (;;) {
        const ssize_t n = ::pread(fd_.get(), buffer.data(), want, static_cast<off_t>(offset_ + done_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw sdk::errno_failure(errno, "read from the store");
        if (n == 0) throw sdk::Failure(IMGSRV_DATA_LOSS, "the stored file is shorter than its recorded size");
        done_ += static_cast<std::uint64_t>(n);
        return static_cast<std::size_t>(n);
    }
}

}  // namespace imgsrv::fs
