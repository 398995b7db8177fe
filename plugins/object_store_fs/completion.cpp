// Upload::complete(): from stored parts to an object.
//
//   1. Shut the door, check the list against what is stored, record the parts that are not in it as dropped.
//   2. Arrange: copy what is not in its place. A target never holds bytes of a part that is still needed, and a part's
//      new place is recorded before its old one may be used, so a crash leaves every part whole somewhere.
//      Parts of one size that came once each are in place already, and nothing is copied.
//   3. Cut the data file to its size, sync it, record its identity: inode, size, modification time.
//   4. Rename it to its key. This is the commit point.
// A completion that finds the record of step 3 and no data file knows that step 4 happened, and compares the object
// with the record; so it can be repeated after a crash anywhere.
#include <fcntl.h>

#include <cerrno>

#include "stream.h"
#include "upload.h"

namespace imgsrv::fs {
namespace {

// Each round costs two syncs. Only odd sizes or dropped parts in the middle need more than one.
constexpr int kMaxRounds = 8;

std::string part_name(std::uint32_t number) {
    return "part " + std::to_string(number);
}

}  // namespace

sdk::ObjectInfo Upload::complete(const sdk::Call& call, std::span<const imgsrv_part> parts, Objects& objects) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0 && parts[i].number <= parts[i - 1].number) {
            throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, part_name(parts[i].number) + " comes after " +
                                                            part_name(parts[i - 1].number) +
                                                            ": parts must be in ascending order, each once");
        }
    }
    if (parts.empty()) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "an upload is completed with at least one part");
    const std::lock_guard one(completion_);
    if (finished_) return confirm(parts, objects);
    if (aborted_) throw sdk::Failure(IMGSRV_NOT_FOUND, "the upload was aborted");
    match(parts);  // a wrong list must not disturb parts on their way
    shut();
    committed_.reset();
    try {
        auto chosen = match(parts);
        drop_all_but(chosen);
        arrange(call, chosen);
        call.throw_if_cancelled();
        auto info = commit(chosen, objects);
        finished_ = true;
        sweep();
        return info;
    } catch (...) {
        // The rename may have succeeded.
        finished_ = committed_ && !exists(folder_.get(), data_name());
        if (!finished_) reopen();
        throw;
    }
}

std::vector<Upload::Numbered> Upload::match(std::span<const imgsrv_part> wanted) {
    const std::lock_guard lock(mutex_);
    std::vector<Numbered> chosen;
    chosen.reserve(wanted.size());
    for (const auto& part : wanted) {
        const auto at = parts_.find(part.number);
        std::string wrong;
        if (at == parts_.end())
            wrong = "is not stored";
        else if (to_hex(at->second.etag) != sdk::view(part.etag))
            wrong = "has the etag " + to_hex(at->second.etag) + ", not the one given";
        else if (at->second.size != part.size)
            wrong = "has " + std::to_string(at->second.size) + " bytes, not " + std::to_string(part.size);
        if (!wrong.empty()) throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, part_name(part.number) + " " + wrong);
        chosen.push_back({part.number, at->second});
    }
    return chosen;
}

void Upload::drop_all_but(const std::vector<Numbered>& chosen) {
    std::vector<Record> dropped;
    const std::lock_guard lock(mutex_);
    auto keep = chosen.begin();
    for (const auto& [number, part] : parts_)
        if (keep != chosen.end() && keep->number == number)
            ++keep;
        else
            dropped.push_back({RecordKind::dropped, 0, number, 0, 0, 0, 0, {}});
    if (dropped.empty()) return;
    journal_->append(dropped);
    for (const auto& record : dropped) parts_.erase(record.number);
}

void Upload::arrange(const sdk::Call& call, std::vector<Numbered>& chosen) {
    const Fd data = open_beneath(folder_.get(), data_name(), O_RDWR);
    if (!data) throw volume_.failure(errno, "open the file of an upload");
    for (int round = 0; round < kMaxRounds; ++round) {
        std::vector<Piece> pieces;
        pieces.reserve(chosen.size());
        for (const auto& [number, part] : chosen) pieces.push_back({part.size, part.file == data_file_, part.offset});
        const auto plan = plan_moves(pieces);
        if (plan.in_place) return;
        if (plan.moves.empty()) break;
        move(call, chosen, plan.moves, data.get());
    }
    rebuild(call, chosen);
}

void Upload::move(const sdk::Call& call, std::vector<Numbered>& chosen, const std::vector<Move>& moves, int data) {
    std::vector<Record> records;
    records.reserve(moves.size());
    try {
        for (const auto& [piece, to] : moves) {
            const auto& [number, part] = chosen[piece];
            const Fd source = open_file(number, part);
            if (!source) throw volume_.failure(errno, "open " + part_name(number));
            copy_range(call, volume_, source.get(), part.offset, data, to, part.size);
            records.push_back({RecordKind::part, data_file_, number, 0, part.size, to, placement_.unit(), part.etag});
        }
    } catch (...) {
        // Nothing is recorded yet, so no record names the copies.
        for (const auto& [piece, to] : moves) {
            ::fallocate(data, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(to),
                        static_cast<off_t>(chosen[piece].part.size));
        }
        throw;
    }
    volume_.sync_data(data);
    journal_->append(records);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < moves.size(); ++i) {
        auto& [number, part] = chosen[moves[i].piece];
        if (part.file == 0) ::unlinkat(folder_.get(), part_file_name(number, part.etag).c_str(), 0);
        part.file = data_file_;
        part.offset = moves[i].to;
        part.sequence = records[i].sequence;
        parts_[number] = part;
    }
}

void Upload::rebuild(const sdk::Call& call, std::vector<Numbered>& chosen) {
    const auto old_name = data_name();
    const auto new_file = static_cast<std::uint16_t>(data_file_ + 1);
    const auto new_name = "data-" + std::to_string(new_file);
    const Fd data = open_beneath(folder_.get(), new_name, O_RDWR | O_CREAT | O_TRUNC, 0640);
    if (!data) throw volume_.failure(errno, "make the file of an object");
    std::vector<Record> records;
    records.reserve(chosen.size());
    std::uint64_t to = 0;
    try {
        for (const auto& [number, part] : chosen) {
            const Fd source = open_file(number, part);
            if (!source) throw volume_.failure(errno, "open " + part_name(number));
            copy_range(call, volume_, source.get(), part.offset, data.get(), to, part.size);
            records.push_back({RecordKind::part, new_file, number, 0, part.size, to, placement_.unit(), part.etag});
            to += part.size;
        }
        volume_.sync_data(data.get());
        volume_.sync_folder(folder_.get());
    } catch (...) {
        ::unlinkat(folder_.get(), new_name.c_str(), 0);
        throw;
    }
    journal_->append(records);
    const std::lock_guard lock(mutex_);
    data_file_ = new_file;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        auto& [number, part] = chosen[i];
        if (part.file == 0) ::unlinkat(folder_.get(), part_file_name(number, part.etag).c_str(), 0);
        part = {part.size, records[i].offset, records[i].sequence, new_file, part.etag};
        parts_[number] = part;
    }
    ::unlinkat(folder_.get(), old_name.c_str(), 0);
}

sdk::ObjectInfo Upload::commit(const std::vector<Numbered>& chosen, Objects& objects) {
    std::uint64_t total = 0;
    for (const auto& [number, part] : chosen) total += part.size;
    const Fd data = open_beneath(folder_.get(), data_name(), O_RDWR);
    if (!data) throw volume_.failure(errno, "open the file of an upload");
    if (::ftruncate(data.get(), static_cast<off_t>(total)) != 0) throw volume_.failure(errno, "cut the object to size");
    volume_.sync_file(data.get());
    const auto file = identify(volume_, data.get());
    Record record{RecordKind::committed, data_file_, 0, 0, total, file.mtime_ns, file.inode, {}};
    journal_->append({&record, 1});
    committed_ = record;
    objects.publish(folder_.get(), data_name(), key(), false);  // the commit point is inside
    return {key(), file.etag(), total, static_cast<std::int64_t>(file.mtime_ns) / 1000};
}

std::string Upload::committed_etag() const {
    return FileIdentity{committed_->unit, committed_->offset, committed_->size}.etag();
}

bool Upload::object_stands(const Objects& objects) const {
    const auto there = objects.find(key());
    return there && there->etag == committed_etag();
}

sdk::ObjectInfo Upload::confirm(std::span<const imgsrv_part> parts, Objects& objects) {
    if (match(parts).size() != parts_.size())
        throw sdk::Failure(IMGSRV_FAILED_PRECONDITION, "the upload was completed with more parts than these");
    auto there = objects.find(key());
    if (!there || there->etag != committed_etag())
        throw sdk::Failure(IMGSRV_NOT_FOUND, "the upload is complete, and its object was removed or replaced since");
    // The process that renamed it may have died before it was durable.
    objects.confirm(key());
    return std::move(*there);
}

}  // namespace imgsrv::fs
