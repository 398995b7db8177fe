#include "journal.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

namespace imgsrv::fs {
namespace {

static_assert(std::endian::native == std::endian::little, "the journal is written as it lies in memory");

constexpr std::uint32_t kRecordMagic = 0x52505349;  // "ISPR"
constexpr char kHeaderMagic[8] = {'I', 'M', 'G', 'S', 'U', 'P', '1', '\n'};

struct RecordBytes {
    std::uint32_t magic;
    std::uint32_t checksum;  // of the whole with this field zero
    std::uint16_t kind;
    std::uint16_t file;
    std::uint32_t number;
    std::uint32_t sequence;
    std::uint32_t reserved;
    std::uint64_t size;
    std::uint64_t offset;
    std::uint64_t unit;
    PartEtag etag;
};
static_assert(sizeof(RecordBytes) == kRecordBytes && kJournalBlock % kRecordBytes == 0);

struct HeaderBytes {
    char magic[8];
    std::uint32_t checksum;  // of the block with this field zero
    std::uint32_t key_bytes;
    std::int64_t created_us;
    std::uint64_t expected_size;
    char key[kJournalBlock - 32];
};
static_assert(sizeof(HeaderBytes) == kJournalBlock);

constexpr auto kCrcTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
        table[i] = crc;
    }
    return table;
}();

// CRC-32C (RFC 3720, appendix B.4).
template <class T>
std::uint32_t checksum(T bytes) {
    bytes.checksum = 0;
    std::uint32_t crc = ~0U;
    for (const auto byte : std::as_bytes(std::span(&bytes, 1)))
        crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xFF];
    return ~crc;
}

void write_all(const Volume& volume, int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) throw volume.failure(n < 0 ? errno : EIO, "record a part");
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
}

std::size_t read_some(const Volume& volume, int fd, std::span<std::byte> bytes, std::uint64_t offset) {
    std::size_t have = 0;
    while (have < bytes.size()) {
        const ssize_t n = ::pread(fd, bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw volume.failure(errno, "read the record of an upload");
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    return have;
}

sdk::Failure unusable() {
    return sdk::Failure(IMGSRV_UNAVAILABLE, "an earlier record of this upload could not be made durable")
        .with_retryable();
}

}  // namespace

std::string to_hex(const PartEtag& etag) {
    std::string hex;
    hex.reserve(2 * etag.size());
    for (const auto byte : etag) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
    }
    return hex;
}

PartEtag new_part_etag() {
    PartEtag etag;
    if (::getrandom(etag.data(), etag.size(), 0) != static_cast<ssize_t>(etag.size()))
        throw sdk::errno_failure(errno, "get random bytes");
    return etag;
}

std::array<std::byte, kRecordBytes> encode(const Record& record) {
    RecordBytes bytes{kRecordMagic,
                      0,
                      static_cast<std::uint16_t>(record.kind),
                      record.file,
                      record.number,
                      record.sequence,
                      0,
                      record.size,
                      record.offset,
                      record.unit,
                      record.etag};
    bytes.checksum = checksum(bytes);
    return std::bit_cast<std::array<std::byte, kRecordBytes>>(bytes);
}

std::optional<Record> decode(std::span<const std::byte, kRecordBytes> from) {
    RecordBytes bytes;
    std::memcpy(&bytes, from.data(), sizeof bytes);
    if (bytes.magic != kRecordMagic || bytes.checksum != checksum(bytes)) return std::nullopt;
    return Record{static_cast<RecordKind>(bytes.kind),
                  bytes.file,
                  bytes.number,
                  bytes.sequence,
                  bytes.size,
                  bytes.offset,
                  bytes.unit,
                  bytes.etag};
}

std::array<std::byte, kJournalBlock> encode(const JournalHeader& header) {
    HeaderBytes bytes{};
    std::memcpy(bytes.magic, kHeaderMagic, sizeof bytes.magic);
    bytes.key_bytes = static_cast<std::uint32_t>(std::min(header.key.size(), sizeof bytes.key));
    bytes.created_us = header.created_us;
    bytes.expected_size = header.expected_size;
    std::memcpy(bytes.key, header.key.data(), bytes.key_bytes);
    bytes.checksum = checksum(bytes);
    return std::bit_cast<std::array<std::byte, kJournalBlock>>(bytes);
}

std::optional<JournalHeader> decode_header(std::span<const std::byte> block) {
    HeaderBytes bytes;
    if (block.size() < sizeof bytes) return std::nullopt;
    std::memcpy(&bytes, block.data(), sizeof bytes);
    if (std::memcmp(bytes.magic, kHeaderMagic, sizeof bytes.magic) != 0 || bytes.checksum != checksum(bytes) ||
        bytes.key_bytes > sizeof bytes.key)
        return std::nullopt;
    return JournalHeader{std::string(bytes.key, bytes.key_bytes), bytes.created_us, bytes.expected_size};
}

JournalHeader read_journal_header(const Volume& volume, int fd) {
    std::array<std::byte, kJournalBlock> block;
    const auto have = read_some(volume, fd, block, 0);
    auto header = decode_header(std::span(block).first(have));
    if (!header) throw sdk::Failure(IMGSRV_DATA_LOSS, "the record of an upload is damaged");
    return std::move(*header);
}

JournalContent read_journal(const Volume& volume, int fd) {
    JournalContent content;
    content.header = read_journal_header(volume, fd);
    std::array<std::byte, kJournalBlock> block;
    std::uint64_t slot = 0;
    for (std::uint64_t at = kJournalBlock;; at += kJournalBlock) {
        const auto have = read_some(volume, fd, block, at);
        for (std::size_t i = 0; i + kRecordBytes <= have; i += kRecordBytes, ++slot) {
            const auto record = decode(std::span<const std::byte, kRecordBytes>(block.data() + i, kRecordBytes));
            if (!record) continue;
            content.records.push_back(*record);
            content.slots = slot + 1;
        }
        if (have < block.size()) return content;
    }
}

void write_journal_header(const Volume& volume, int fd, const JournalHeader& header) {
    write_all(volume, fd, encode(header), 0);
    write_all(volume, fd, std::array<std::byte, kJournalBlock>{}, kJournalBlock);
}

Journal::Journal(const Volume& volume, Fd fd, const JournalContent& content)
    : volume_(volume), fd_(std::move(fd)), slots_(content.slots), sequence_(0) {
    for (const auto& record : content.records) sequence_ = std::max(sequence_, record.sequence);
}

void Journal::append(std::span<Record> records) {
    // The kernel reports a failed write once; a later sync must not take silence for success.
    if (broken_) throw unusable();
    const auto slots = write(records);
    try {
        sync(slots);
    } catch (sdk::Failure& failure) {
        throw std::move(failure).with_outcome_unknown();
    }
}

std::uint64_t Journal::write(std::span<Record> records) {
    const std::lock_guard lock(write_mutex_);
    const auto before = slots_;
    try {
        for (auto& record : records) {
            record.sequence = ++sequence_;
            const auto at = kJournalBlock + slots_ * kRecordBytes;
            if (at % kJournalBlock == 0) {
                // Space for a whole block at a time: the records after this one change no metadata, and their sync is
                // short.
                write_all(volume_, fd_.get(), std::array<std::byte, kJournalBlock>{}, at);
            }
            write_all(volume_, fd_.get(), encode(record), at);
            ++slots_;
        }
    } catch (sdk::Failure& failure) {
        if (slots_ == before) throw;
        broken_ = true;
        throw std::move(failure).with_outcome_unknown();
    }
    return slots_;
}

void Journal::sync(std::uint64_t slots) {
    const std::lock_guard lock(sync_mutex_);
    if (broken_) throw unusable();
    if (synced_slots_ >= slots) return;
    std::uint64_t covered = 0;
    {
        const std::lock_guard writing(write_mutex_);
        covered = slots_;
    }
    try {
        volume_.sync_data(fd_.get());
    } catch (...) {
        broken_ = true;
        throw;
    }
    synced_slots_ = covered;
}

}  // namespace imgsrv::fs
