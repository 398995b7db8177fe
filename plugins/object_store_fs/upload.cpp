#include "upload.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>

#include "stream.h"

namespace imgsrv::fs {
namespace {

constexpr char kJournalName[] = "journal";
constexpr std::uint16_t kOwnFile = 0;

std::string data_file_name(std::uint16_t file) {
    return "data-" + std::to_string(file);
}

// The commit that is recorded and that nothing recorded since has made void.
std::optional<Record> standing_commit(const std::vector<Record>& records) {
    const auto last = std::max_element(records.begin(), records.end(),
                                       [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    if (last == records.end() || last->kind != RecordKind::committed) return std::nullopt;
    return *last;
}

// The rename takes the data file away: a commit that is recorded and has no file left has happened.
bool happened(int folder, const std::optional<Record>& commit) {
    return commit && !exists(folder, data_file_name(commit->file));
}

}  // namespace

std::string part_file_name(std::uint32_t number, const PartEtag& etag) {
    return "part-" + std::to_string(number) + "-" + to_hex(etag);
}

// A stored part, readable until the upload is completed or aborted.
class Upload::PartSource : public sdk::ByteSource {
  public:
    PartSource(std::shared_ptr<Upload> upload, Generation since, Fd fd, std::uint64_t offset, std::uint64_t size)
        : upload_(std::move(upload)), since_(since), file_(std::move(fd), offset, size, upload_->volume_.direct()) {}

    std::optional<std::uint64_t> size() const override { return file_.size(); }
    std::size_t read(std::span<std::byte> buffer) override {
        const auto inside = upload_->enter(since_);
        return file_.read(buffer);
    }
    bool can_rewind() const override { return true; }
    void rewind() override { file_.rewind(); }

  private:
    const std::shared_ptr<Upload> upload_;
    const Generation since_;
    FileSource file_;
};

void Upload::initialize(const Volume& volume, int folder, const JournalHeader& header) {
    const Fd journal = open_beneath(folder, kJournalName, O_WRONLY | O_CREAT | O_EXCL, 0640);
    if (!journal) throw volume.failure(errno, "start an upload");
    write_journal_header(volume, journal.get(), header);
    const Fd data = open_beneath(folder, "data-1", O_WRONLY | O_CREAT | O_EXCL, 0640);
    if (!data) throw volume.failure(errno, "start an upload");
    volume.sync_file(journal.get());
    volume.sync_folder(folder);
}

std::optional<JournalHeader> Upload::peek(const Volume& volume, int folder) {
    const Fd journal = open_beneath(folder, kJournalName, O_RDONLY);
    if (!journal) throw volume.failure(errno, "read the record of an upload");
    // The first data file is there until completion, except after a rebuild; only then the records must tell.
    if (exists(folder, "data-1")) return read_journal_header(volume, journal.get());
    auto content = read_journal(volume, journal.get());
    if (happened(folder, standing_commit(content.records))) return std::nullopt;
    return std::move(content.header);
}

Upload::Upload(const Volume& volume, Fd folder) : volume_(volume), folder_(std::move(folder)) {
    Fd journal = open_beneath(folder_.get(), kJournalName, O_RDWR);
    if (!journal) throw volume_.failure(errno, "read the record of an upload");
    const auto content = read_journal(volume_, journal.get());
    header_ = content.header;
    // A process that was killed may have written the last records without a sync. They count from now on, and what they
    // supersede is about to be removed.
    volume_.sync_data(journal.get());
    journal_.emplace(volume_, std::move(journal), content);
    replay(content);
    sweep();
}

void Upload::replay(const JournalContent& content) {
    auto records = content.records;
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    std::uint64_t unit = 0;
    for (const auto& record : records) {
        switch (record.kind) {
            case RecordKind::part:
                parts_[record.number] = {record.size, record.offset, record.sequence, record.file, record.etag};
                data_file_ = std::max(data_file_, record.file);
                unit = record.unit;
                break;
            case RecordKind::dropped:
                parts_.erase(record.number);
                break;
            case RecordKind::committed:
                break;
        }
    }
    committed_ = standing_commit(records);
    finished_ = happened(folder_.get(), committed_);
    placement_ = Placement(unit, header_.expected_size);
    for (const auto& [number, part] : parts_)
        if (part.file == data_file_) placement_.occupy(part.offset, part.size);
}

void Upload::sweep() noexcept {
    try {
        std::set<std::string> named{kJournalName};
        if (!finished_) {
            named.insert(data_name());
            for (const auto& [number, part] : parts_)
                named.insert(part.file == kOwnFile ? part_file_name(number, part.etag) : data_file_name(part.file));
        }
        DIR* folder = ::fdopendir(open_beneath(folder_.get(), ".", O_RDONLY | O_DIRECTORY).release());
        if (folder == nullptr) return;
        while (const dirent* entry = ::readdir(folder))
            if (entry->d_name[0] != '.' && !named.contains(entry->d_name)) ::unlinkat(folder_.get(), entry->d_name, 0);
        ::closedir(folder);
    } catch (const std::bad_alloc&) {
        return;  // garbage stays for the next time
    }
}

std::shared_lock<std::shared_mutex> Upload::enter(Generation since) {
    // Checked before the lock too, so that newcomers do not keep shut() waiting.
    if (!shut_.load() && generation_.load() == since) {
        std::shared_lock lock(door_);
        if (!shut_.load() && generation_.load() == since) return lock;
    }
    if (finished_ || aborted_)
        throw sdk::Failure(IMGSRV_NOT_FOUND, finished_ ? "the upload is complete" : "the upload was aborted");
    throw sdk::Failure(IMGSRV_ABORTED, "the upload is being completed or aborted").with_retryable();
}

void Upload::shut() {
    shut_.store(true);
    const std::lock_guard everybody_left(door_);
    // Holders of an older generation are shut out for good, also after reopen().
    ++generation_;
}

void Upload::reopen() {
    {
        const std::lock_guard lock(mutex_);
        // Calls that held a reservation were shut out.
        placement_ = Placement(placement_.unit(), header_.expected_size);
        for (const auto& [number, part] : parts_)
            if (part.file == data_file_) placement_.occupy(part.offset, part.size);
    }
    shut_.store(false);
}

bool Upload::shut_for_abort() {
    const std::lock_guard one(completion_);
    if (finished_) return false;
    aborted_.store(true);
    shut();
    return true;
}

std::string Upload::put_part(const sdk::Call& call, std::uint32_t number, sdk::Reader& body) {
    const Generation since = generation_.load();
    std::optional<std::uint64_t> offset;
    {
        const auto inside = enter(since);
        if (const auto size = body.size()) {
            const std::lock_guard lock(mutex_);
            offset = placement_.reserve(number, *size);
        }
    }
    return offset ? put_in_place(call, since, number, body, *offset) : put_beside(call, since, number, body);
}

std::string Upload::put_in_place(const sdk::Call& call, Generation since, std::uint32_t number, sdk::Reader& body,
                                 std::uint64_t offset) {
    Part part{*body.size(), offset, 0, 0, {}};
    Fd data;
    std::optional<RangeWriter> writer;
    bool kept = false;
    try {
        part.etag = new_part_etag();
        {
            const auto inside = enter(since);
            part.file = data_file_;
            data = open_beneath(folder_.get(), data_name(), O_WRONLY);
            if (!data) throw volume_.failure(errno, "open the file of an upload");
            writer.emplace(volume_, data.get(), offset, part.size);
        }
        pump(call, body, [&](std::span<const std::byte> block) {
            const auto inside = enter(since);
            writer->write(block);
        });
        call.throw_if_cancelled();
        volume_.sync_data(data.get());
        record(since, number, part, kept);
    } catch (...) {
        if (!kept) give_back(since, data.get(), offset, part.size);
        throw;
    }
    return to_hex(part.etag);
}

void Upload::give_back(Generation since, int data, std::uint64_t offset, std::uint64_t size) noexcept {
    try {
        // If the door was shut since, the file may be the object by now.
        const auto inside = enter(since);
        if (data >= 0) {
            ::fallocate(data, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                        static_cast<off_t>(size));
        }
        const std::lock_guard lock(mutex_);
        placement_.release(offset);
    } catch (const std::exception&) {
        return;
    }
}

std::string Upload::put_beside(const sdk::Call& call, Generation since, std::uint32_t number, sdk::Reader& body) {
    Part part{0, 0, 0, kOwnFile, new_part_etag()};
    const auto name = part_file_name(number, part.etag);
    bool kept = false;
    try {
        Fd file;
        {
            const auto inside = enter(since);
            file = open_beneath(folder_.get(), name, O_WRONLY | O_CREAT | O_EXCL, 0640);
        }
        if (!file) throw volume_.failure(errno, "make the file of a part");
        RangeWriter writer(volume_, file.get(), 0, body.size());
        part.size = pump(call, body, [&](std::span<const std::byte> block) { writer.write(block); });
        call.throw_if_cancelled();
        volume_.sync_data(file.get());
        volume_.sync_folder(folder_.get());
        record(since, number, part, kept);
    } catch (...) {
        if (!kept) ::unlinkat(folder_.get(), name.c_str(), 0);
        throw;
    }
    return to_hex(part.etag);
}

void Upload::record(Generation since, std::uint32_t number, Part part, bool& kept) {
    const auto inside = enter(since);
    Record entry{RecordKind::part, part.file, number, 0, part.size, part.offset, 0, part.etag};
    {
        const std::lock_guard lock(mutex_);
        entry.unit = placement_.unit();
    }
    try {
        // The commit point of a part: when this returns its record is durable, and its bytes were before.
        journal_->append({&entry, 1});
    } catch (const sdk::Failure& failure) {
        kept = failure.outcome_unknown;
        throw;
    }
    kept = true;
    part.sequence = entry.sequence;
    {
        const std::lock_guard lock(mutex_);
        auto& current = parts_[number];
        if (current.sequence < part.sequence) std::swap(current, part);
    }
    // `part` is now the one that lost: the earlier one, or ours when a later record of the number was quicker.
    if (part.sequence != 0 && part.file == kOwnFile)
        ::unlinkat(folder_.get(), part_file_name(number, part.etag).c_str(), 0);
}

Fd Upload::open_file(std::uint32_t number, const Part& part) const {
    return open_beneath(
        folder_.get(), part.file == kOwnFile ? part_file_name(number, part.etag) : data_file_name(part.file), O_RDONLY);
}

std::unique_ptr<sdk::ByteSource> Upload::open_part(const imgsrv_part& wanted, std::uint64_t offset) {
    const Generation since = generation_.load();
    const auto inside = enter(since);
    const auto missing = [&] {
        return sdk::Failure(IMGSRV_NOT_FOUND,
                            "part " + std::to_string(wanted.number) + " is not stored with that size and etag");
    };
    Part part;
    {
        const std::lock_guard lock(mutex_);
        const auto at = parts_.find(wanted.number);
        if (at == parts_.end() || at->second.size != wanted.size || to_hex(at->second.etag) != sdk::view(wanted.etag))
            throw missing();
        part = at->second;
    }
    if (offset > part.size) {
        throw sdk::Failure(IMGSRV_OUT_OF_RANGE, "part " + std::to_string(wanted.number) + " has " +
                                                    std::to_string(part.size) + " bytes, offset " +
                                                    std::to_string(offset) + " is beyond");
    }
    Fd file = open_file(wanted.number, part);
    if (!file && errno == ENOENT) throw missing();  // replaced since
    if (!file) throw volume_.failure(errno, "open part " + std::to_string(wanted.number));
    return std::make_unique<PartSource>(shared_from_this(), since, std::move(file), part.offset + offset,
                                        part.size - offset);
}

}  // namespace imgsrv::fs
