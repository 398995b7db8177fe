#include "stream.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace imgsrv::fs {
namespace {

constexpr std::uint64_t kWindow = 8ULL << 20;
constexpr std::uint64_t kWindowsBehind = 2;
constexpr std::uint64_t kDirectFrom = 256ULL << 10;  // shorter streams are not worth it
constexpr std::uint64_t kCopyStep = 64ULL << 20;     // between two looks at the call

bool is_aligned(std::uint64_t offset) {
    return offset % kAlignment == 0;
}

bool is_aligned(const std::byte* address) {
    return is_aligned(reinterpret_cast<std::uintptr_t>(address));
}

// False when the file system cannot.
bool set_direct_flag(int fd, bool on) {
    const int flags = ::fcntl(fd, F_GETFL);
    return flags >= 0 && ::fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

void write_back_range(const Volume& volume, int fd, std::uint64_t offset, std::uint64_t size, unsigned flags) {
    if (::sync_file_range(fd, static_cast<off64_t>(offset), static_cast<off64_t>(size), flags) == 0) return;
    // The kernel reports the error here once; the sync at the end would not see it again.
    if (errno == EIO || errno == ENOSPC || errno == EDQUOT) throw volume.failure(errno, "write to the disk");
}

void copy_through_memory(const Volume& volume, int from, std::uint64_t from_offset, int to, std::uint64_t to_offset,
                         std::uint64_t size) {
    const Block block = new_block(kBlockBytes);
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

RangeWriter::RangeWriter(const Volume& volume, int fd, std::uint64_t offset, std::optional<std::uint64_t> size)
    : volume_(volume), fd_(fd), offset_(offset) {
    if (!volume.direct() || !size || *size < kDirectFrom || !is_aligned(offset) || !set_direct(true)) return;
    // Direct writes into allocated space run in parallel; writes that extend the file take turns. Through the page
    // cache, allocating late is quicker instead.
    if (::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(*size)) == 0) return;
    if (errno == ENOSPC || errno == EDQUOT || errno == EIO) throw volume.failure(errno, "reserve space");
}

bool RangeWriter::set_direct(bool on) {
    if (!set_direct_flag(fd_, on)) return false;
    direct_ = on;
    started_ = settled_ = written_;  // write-back has nothing to do with what went past the page cache
    return true;
}

std::size_t RangeWriter::direct_prefix(std::span<const std::byte> bytes) const {
    return is_aligned(offset_ + written_) && is_aligned(bytes.data()) ? bytes.size() / kAlignment * kAlignment : 0;
}

void RangeWriter::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        std::size_t wanted = bytes.size();
        if (direct_) {
            wanted = direct_prefix(bytes);
            if (wanted == 0) {  // the end of the stream
                if (!set_direct(false)) throw volume_.failure(errno, "write to the disk");
                continue;
            }
        }
        const ssize_t n = ::pwrite(fd_, bytes.data(), wanted, static_cast<off_t>(offset_ + written_));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EINVAL && direct_ && set_direct(false)) continue;  // takes the flag only
        if (n <= 0) throw volume_.failure(n < 0 ? errno : EIO, "write to the disk");
        written_ += static_cast<std::uint64_t>(n);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    write_back();
}

void RangeWriter::write_back() {
    if (direct_ || !volume_.durable()) return;
    for (; written_ - started_ >= kWindow; started_ += kWindow)
        write_back_range(volume_, fd_, offset_ + started_, kWindow, SYNC_FILE_RANGE_WRITE);
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

FileSource::FileSource(Fd fd, std::uint64_t offset, std::uint64_t size, bool direct)
    : fd_(std::move(fd)), offset_(offset), size_(size) {
    direct_ = direct && size >= kDirectFrom && set_direct_flag(fd_.get(), true);
    if (!direct_)
        ::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_SEQUENTIAL);
}

std::size_t FileSource::read(std::span<std::byte> buffer) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - done_));
    if (want == 0) return 0;
    const std::uint64_t at = offset_ + done_;
    std::size_t n = 0;
    if (held_.empty() && !direct_) {
        n = read_at(buffer.first(want), at);
    } else if (held_.empty() && is_aligned(at) && is_aligned(buffer.data()) && buffer.size() >= kAlignment) {
        n = std::min(want, read_at(buffer.first(buffer.size() / kAlignment * kAlignment), at));
    } else {
        if (held_.empty()) fill(at);
        n = std::min(want, held_.size());
        std::memcpy(buffer.data(), held_.data(), n);
        held_ = held_.subspan(n);
    }
    if (n == 0) throw sdk::Failure(IMGSRV_DATA_LOSS, "the stored file is shorter than its recorded size");
    done_ += n;
    return n;
}

void FileSource::fill(std::uint64_t offset) {
    if (!block_) block_ = new_block(kBlockBytes);
    const std::uint64_t from = offset / kAlignment * kAlignment;
    const std::span<std::byte> read(block_.get(), read_at({block_.get(), kBlockBytes}, from));
    held_ = read.subspan(std::min<std::size_t>(offset - from, read.size()));
}

std::size_t FileSource::read_at(std::span<std::byte> buffer, std::uint64_t offset) {
    for (;;) {
        const ssize_t n = ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno == EINTR) continue;
        if (errno == EINVAL && std::exchange(direct_, false) && set_direct_flag(fd_.get(), false)) continue;
        throw sdk::errno_failure(errno, "read from the store");
    }
}

void FileSource::rewind() {
    done_ = 0;
    held_ = {};
}

}  // namespace imgsrv::fs
