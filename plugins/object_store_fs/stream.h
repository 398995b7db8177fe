#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <memory>
#include <new>
#include <optional>
#include <span>

#include "fd.h"
#include "volume.h"

namespace imgsrv::fs {

inline constexpr std::size_t kBlockBytes = 512 * 1024;
// What O_DIRECT asks of addresses, offsets and lengths: a page, so that a direct write never shares one with another.
inline constexpr std::size_t kAlignment = 4096;

// Writes one stream to a range of a file and sends it to the disk as it arrives, so that the sync at the end is short
// and dirty memory stays bounded: past the page cache where the file system can, else through it with the kernel's
// write-back at most a few windows behind. Give each stream a descriptor of its own: the flags are changed, and the
// kernel reports a failed write-back once per open file, so one stream's sync must not swallow another's error.
class RangeWriter {
  public:
    // size: of the stream, when it is known. A long one gets its space here, so that a full disk is found before the
    // bytes arrive; throws RESOURCE_EXHAUSTED then.
    RangeWriter(const Volume& volume, int fd, std::uint64_t offset, std::optional<std::uint64_t> size = std::nullopt);

    // Throws RESOURCE_EXHAUSTED when the disk is full.
    void write(std::span<const std::byte> bytes);
    std::uint64_t written() const { return written_; }

  private:
    bool set_direct(bool on);
    std::size_t direct_prefix(std::span<const std::byte> bytes) const;
    void write_back();

    const Volume& volume_;
    const int fd_;
    const std::uint64_t offset_;
    bool direct_ = false;
    std::uint64_t written_ = 0;
    std::uint64_t started_ = 0;  // write-back was started up to here
    std::uint64_t settled_ = 0;  // and waited for up to here
};

struct FreeBlock {
    void operator()(std::byte* block) const { ::operator delete[](block, std::align_val_t(kAlignment)); }
};
using Block = std::unique_ptr<std::byte[], FreeBlock>;

// Uninitialized and aligned.
inline Block new_block(std::size_t size) {
    return Block(static_cast<std::byte*>(::operator new[](size, std::align_val_t(kAlignment))));
}

// Reads a body to its end in blocks and hands each to write(span). Returns the number of bytes. The end counts: a
// reader may find its bytes wrong only there. Throws CANCELLED or DEADLINE between blocks, what the reader reports, and
// INVALID_ARGUMENT when the body is shorter or longer than it said.
template <class Write>
std::uint64_t pump(const sdk::Call& call, sdk::Reader& body, Write&& write) {
    const auto promised = body.size();
    const std::size_t capacity = static_cast<std::size_t>(
        std::min<std::uint64_t>(kBlockBytes, promised ? std::max<std::uint64_t>(*promised + 1, 4096) : kBlockBytes));
    const Block block = new_block(capacity);
    std::uint64_t total = 0;
    std::size_t held = 0;
    for (;;) {
        call.throw_if_cancelled();
        const std::size_t n = body.read({block.get() + held, capacity - held});
        if (n > capacity - held) throw sdk::Failure(IMGSRV_INTERNAL, "the body's reader overran its buffer");
        if (n == 0) break;
        held += n;
        total += n;
        if (promised && total > *promised) {
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT,
                               "the body is longer than the " + std::to_string(*promised) + " bytes it announced");
        }
        if (held == capacity) {
            write(std::span<const std::byte>(block.get(), held));
            held = 0;
        }
    }
    if (promised && total < *promised) {
        throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "the body ended after " + std::to_string(total) + " of the " +
                                                        std::to_string(*promised) + " bytes it announced");
    }
    if (held > 0) write(std::span<const std::byte>(block.get(), held));
    return total;
}

// Copies a range from file to file inside of the kernel, sharing blocks where the file system can.
void copy_range(const sdk::Call& call, const Volume& volume, int from, std::uint64_t from_offset, int to,
                std::uint64_t to_offset, std::uint64_t size);

// Yields a range of a file. Throws DATA_LOSS when the file ends before the range does.
class FileSource : public sdk::ByteSource {
  public:
    // direct: past the page cache where the file system can, for data that is read once.
    FileSource(Fd fd, std::uint64_t offset, std::uint64_t size, bool direct);

    std::optional<std::uint64_t> size() const override { return size_; }
    std::size_t read(std::span<std::byte> buffer) override;
    bool can_rewind() const override { return true; }
    void rewind() override;

  private:
    std::size_t read_at(std::span<std::byte> buffer, std::uint64_t offset);
    void fill(std::uint64_t offset);

    const Fd fd_;
    const std::uint64_t offset_;
    const std::uint64_t size_;
    std::uint64_t done_ = 0;
    bool direct_ = false;
    Block block_;                      // for callers whose buffer is not aligned
    std::span<const std::byte> held_;  // of block_, not yielded yet
};

}  // namespace imgsrv::fs
