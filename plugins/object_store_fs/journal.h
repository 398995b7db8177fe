#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fd.h"
#include "volume.h"

// The file that says which parts of an upload are stored. One block of header, then records of 64 bytes, each with a
// checksum of its own and at an offset that is a multiple of its size, so that none is torn across two disk sectors and
// a record that was being written when the power failed is skipped and its neighbours are unharmed.
namespace imgsrv::fs {

using PartEtag = std::array<std::uint8_t, 16>;

std::string to_hex(const PartEtag& etag);
PartEtag new_part_etag();

struct JournalHeader {
    std::string key;
    std::int64_t created_us = 0;
    std::uint64_t expected_size = 0;  // 0: unknown
};

enum class RecordKind : std::uint16_t {
    part = 1,       // the part is stored; replaces what was said of its number before
    dropped = 2,    // the part is no more
    committed = 3,  // the data file is whole and synced, and about to be renamed to its key
};

// For each part number, the record with the highest sequence counts.
struct Record {
    RecordKind kind = RecordKind::part;
    std::uint16_t file = 0;      // part: 0 a file of its own, else data file; committed: the data file
    std::uint32_t number = 0;    // part
    std::uint32_t sequence = 0;  // given by append()
    std::uint64_t size = 0;      // of the part; committed: of the object
    std::uint64_t offset = 0;    // of the part in its file; committed: modification time of the data file in ns
    std::uint64_t unit = 0;      // part: the unit at that time; committed: inode of the data file
    PartEtag etag{};
};

inline constexpr std::size_t kRecordBytes = 64;
inline constexpr std::size_t kJournalBlock = 4096;

std::array<std::byte, kRecordBytes> encode(const Record& record);
// None: not a whole record.
std::optional<Record> decode(std::span<const std::byte, kRecordBytes> bytes);
std::array<std::byte, kJournalBlock> encode(const JournalHeader& header);
std::optional<JournalHeader> decode_header(std::span<const std::byte> block);

// What a journal file holds. Records in the order of their places, which need not be that of their sequence.
struct JournalContent {
    JournalHeader header;
    std::vector<Record> records;
    std::uint64_t slots = 0;  // after the last whole record
};
// Throws DATA_LOSS when the header is broken.
JournalContent read_journal(const Volume& volume, int fd);
JournalHeader read_journal_header(const Volume& volume, int fd);
// Writes the header and an empty first block, so that the first records need no more space. Not synced.
void write_journal_header(const Volume& volume, int fd, const JournalHeader& header);

// Appends to a journal. [any]
class Journal {
  public:
    // content: what read_journal() found in the file.
    Journal(const Volume& volume, Fd fd, const JournalContent& content);

    // Writes the records and syncs them: durable when it returns. Sets their sequence. Calls at the same time share one
    // sync. When it throws with outcome_unknown, some of the records may be there after a restart and every later
    // append fails; otherwise none is.
    void append(std::span<Record> records);
    // Only what is read back from the file can be trusted.
    bool broken() const { return broken_.load(); }

  private:
    // Returns the number of slots in use.
    std::uint64_t write(std::span<Record> records);
    void sync(std::uint64_t slots);

    const Volume& volume_;
    const Fd fd_;
    std::mutex write_mutex_;
    std::uint64_t slots_;
    std::uint32_t sequence_;
    std::mutex sync_mutex_;
    std::uint64_t synced_slots_ = 0;
    std::atomic<bool> broken_{false};
};

}  // namespace imgsrv::fs
