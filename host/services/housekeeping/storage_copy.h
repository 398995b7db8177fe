#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "ports/object_store.h"
#include "services/housekeeping/object_faults.h"
#include "store/pool.h"

namespace imgsrv::services {

struct StorageCopyOptions {
    bool verify = false;       // reads every object of the target back, also those that were there
    std::size_t parallel = 4;  // objects at a time
    // The source may have no blob at all, like a backup of a store that lost them. Otherwise such a source counts as
    // the wrong store, or one that is not mounted.
    bool source_may_be_empty = false;
};

struct StorageCopyProgress {
    std::uint64_t objects = 0;  // needed, as far as is known
    std::uint64_t bytes = 0;
    std::uint64_t done = 0;           // objects that the target has now
    std::uint64_t done_bytes = 0;     // of those
    std::uint64_t copied = 0;         // of those, not there before
    std::vector<std::string> faults;  // a sentence for each object that could not be copied
};

// Copies every object that the catalogue needs from one store to another: trusted blobs, and the bytes of uploads that
// wait for promotion. The server may run: what becomes trusted during the copy is copied too, and a second run copies
// what came after the first. If an upload was promoted before its bytes could be copied, the target gets the bytes of
// its blob, so that the promotion succeeds there as well. The source does not change. An object appears in the target
// whole or not at all, and a blob only once its bytes match its digest; a run that died resumes object by object.
class StorageCopy {
  public:
    // Called now and then. [any]
    using Report = std::function<void(const StorageCopyProgress&)>;

    // rows: what is needed, the source's database or a snapshot of it. live: the source's database as it is now.
    StorageCopy(store::Pool& rows, store::Pool& live, ports::ObjectStore& from, ports::ObjectStore& to,
                StorageCopyOptions options, Report report);

    // The result lists faults of single objects: bytes that are gone or wrong, or that cannot be copied though both
    // stores are healthy. Not OK: the database failed, or a store did over several tries; what was copied stays.
    Result<StorageCopyProgress> run(const ports::Call& call);

  private:
    struct Item {
        std::string key;
        std::uint64_t size = 0;
        std::string digest;  // of an upload: the expected one
        std::string upload;  // the session's id; empty: a blob
        bool damaged = false;

        std::string verified_digest() const { return upload.empty() ? digest : ""; }
    };
    enum class Outcome { copied, present, skipped, absent, faulty };

    Result<std::vector<Item>> list_new(const ports::Call& call);
    Status copy_all(const ports::Call& call, const std::vector<Item>& items);
    // Of one object; a status that is not OK ends the run.
    Result<Outcome> copy_one(const ports::Call& call, const Item& item);
    Result<Outcome> copy_from(const ports::Call& call, const std::string& source_key, const Item& item);
    Result<Outcome> miss_blob(const ports::Call& call, const Item& item);
    Result<Outcome> miss_upload(const ports::Call& call, const Item& item);
    Result<bool> is_needed(const ports::Call& call, const Item& item);
    Result<bool> has(const ports::Call& call, const Item& item);
    Status check_target(const ports::Call& call, const Item& item);
    Status transfer(const ports::Call& call, const std::string& source_key, const Item& item);
    Status transfer_in_parts(const ports::Call& call, const Item& item, ports::ByteReader& body);
    void account(const Item& item, Outcome outcome);
    Outcome fault(const Item& item, const std::string& why);

    store::Pool& rows_;
    store::Pool& live_;
    ports::ObjectStore& from_;
    ports::ObjectStore& to_;
    const StorageCopyOptions options_;
    const Report report_;
    ObjectFaults faults_;
    std::unordered_set<std::string> seen_;  // keys
    std::mutex mutex_;                      // guards progress_
    StorageCopyProgress progress_;
};

}  // namespace imgsrv::services
