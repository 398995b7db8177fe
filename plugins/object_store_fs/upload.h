#pragma once

#include <atomic>
#include <cstdint>
#include <imgsrv/imgsrv.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <vector>

#include "fd.h"
#include "journal.h"
#include "objects.h"
#include "placement.h"
#include "volume.h"

namespace imgsrv::fs {

// The name of the file of a part that has its own.
std::string part_file_name(std::uint32_t number, const PartEtag& etag);

// One multipart upload: a folder with
//     journal             which parts are stored (journal.h)
//     data-<k>            the sparse file most parts lie in; it becomes the object
//     part-<n>-<etag>     a part that found no place in it
// A part is stored from the moment its record in the journal is durable, which is after its bytes are. Bytes of a
// stored part are never written to again: a part that is sent twice goes to a file of its own, and its record replaces
// the one before. Files that no record names are garbage and are removed when the folder is next opened. [any], parts
// in parallel; a folder must have only one Upload at a time.
class Upload : public std::enable_shared_from_this<Upload> {
  public:
    // Opens the upload in `folder`. Throws DATA_LOSS when its journal is damaged.
    Upload(const Volume& volume, Fd folder);

    // Makes the files of a new upload in an empty folder, durable when it returns.
    static void initialize(const Volume& volume, int folder, const JournalHeader& header);
    // What mp_list shows, read without opening the upload. None: it is complete.
    static std::optional<JournalHeader> peek(const Volume& volume, int folder);

    const std::string& key() const { return header_.key; }
    // The object is in its place; only complete() is still useful.
    bool finished() const { return finished_.load(); }
    // The state in memory may differ from the disk; the upload must be reopened.
    bool broken() const { return journal_->broken(); }

    // Returns the part's etag. number: 1…kMaxPartNumber.
    std::string put_part(const sdk::Call& call, std::uint32_t number, sdk::Reader& body);
    // NOT_FOUND for a part that is absent or has another etag or size.
    std::unique_ptr<sdk::ByteSource> open_part(const imgsrv_part& part, std::uint64_t offset);
    // After it returned OK, or failed with the object already in place, it may be called again and confirms the object.
    sdk::ObjectInfo complete(const sdk::Call& call, std::span<const imgsrv_part> parts, Objects& objects);
    // Waits until no call touches the files, and admits no more. False: the upload is finished.
    bool shut_for_abort();

    // For a finished upload: the object it made is still the one at its key.
    bool object_stands(const Objects& objects) const;

  private:
    struct Part {
        std::uint64_t size = 0;
        std::uint64_t offset = 0;
        std::uint32_t sequence = 0;
        std::uint16_t file = 0;  // 0: a file of its own
        PartEtag etag{};
    };
    struct Numbered {
        std::uint32_t number = 0;
        Part part;
    };
    class PartSource;

    void replay(const JournalContent& content);
    void sweep() noexcept;

    // complete() and abort shut the door on all other calls. A call that writes to the files or records a part holds it
    // open for that moment; an old generation means that the files may have changed since. Throws then.
    using Generation = std::uint64_t;
    std::shared_lock<std::shared_mutex> enter(Generation since);
    void shut();
    // After a completion that failed before its commit point.
    void reopen();

    // Throws unless the part was stored; then its range or file is free again.
    std::string put_in_place(const sdk::Call& call, Generation since, std::uint32_t number, sdk::Reader& body,
                             std::uint64_t offset);
    std::string put_beside(const sdk::Call& call, Generation since, std::uint32_t number, sdk::Reader& body);
    void give_back(Generation since, int data, std::uint64_t offset, std::uint64_t size) noexcept;
    // The commit point of a part. kept: the record is in the journal, or may be.
    void record(Generation since, std::uint32_t number, Part part, bool& kept);
    Fd open_file(std::uint32_t number, const Part& part) const;

    // The following serve complete(), with the door shut.
    std::vector<Numbered> match(std::span<const imgsrv_part> parts);
    // Parts that no completion named are gone from here on, so that their ranges may be used.
    void drop_all_but(const std::vector<Numbered>& chosen);
    void arrange(const sdk::Call& call, std::vector<Numbered>& chosen);
    void move(const sdk::Call& call, std::vector<Numbered>& chosen, const std::vector<Move>& moves, int data);
    void rebuild(const sdk::Call& call, std::vector<Numbered>& chosen);
    sdk::ObjectInfo commit(const std::vector<Numbered>& chosen, Objects& objects);
    sdk::ObjectInfo confirm(std::span<const imgsrv_part> parts, Objects& objects);
    std::string data_name() const { return "data-" + std::to_string(data_file_); }
    std::string committed_etag() const;

    const Volume& volume_;
    const Fd folder_;
    JournalHeader header_;
    std::optional<Journal> journal_;

    std::shared_mutex door_;
    std::atomic<bool> shut_{false};
    std::atomic<Generation> generation_{0};
    std::atomic<bool> finished_{false};
    std::atomic<bool> aborted_{false};
    std::mutex completion_;  // one complete() or abort at a time

    mutable std::mutex mutex_;  // guards what follows; never held during I/O on parts
    std::map<std::uint32_t, Part> parts_;
    Placement placement_{0, 0};
    std::uint16_t data_file_ = 1;  // changes only while the door is shut
    std::optional<Record> committed_;
};

}  // namespace imgsrv::fs
