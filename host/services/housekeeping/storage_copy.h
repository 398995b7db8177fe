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
    // The source may rightly lack every blob, as a backup of a store that had lost them does. Else that is taken for
    // the wrong store, or one that is not mounted.
    bool source_may_be_empty = false;
};

struct StorageCopyProgress {
    std::uint64_t objects = 0;  // needed, as far as is known
    std::uint64_t bytes = 0;
    std::uint64_t done = 0;           // objects that the target has now
    std::uint64_t done_bytes = 0;     // of those
    std::uint64_t copied = 0;         // of those, not there before
    std::vector<std::string> faults;  // a sentence for each object that could not be had
};

// Copies every object that the catalogue needs from one store to another: trusted blobs, and the bytes of uploads that
// wait for promotion. The server may run meanwhile: what becomes trusted during the copy is copied too, and a second
// run takes what came after the first. An upload whose bytes were promoted before they could be copied gets those of
// its blob, so that its promotion goes through in the target as well. Nothing in the source changes. An object appears
// in the target whole or not at all, and a blob only after its bytes gave its digest; a run that died goes on where it
// was, object by object.
class StorageCopy {
  public:
    // Told now and then. [any]
    using Report = std::function<void(const StorageCopyProgress&)>;

    // rows: what is needed, the source's database or a snapshot of it. live: the source's database as it is now.
    StorageCopy(store::Pool& rows, store::Pool& live, ports::ObjectStore& from, ports::ObjectStore& to,
                StorageCopyOptions options, Report report);

    // Faults of single objects are in the result: bytes that are gone or wrong, or cannot be copied though both stores
    // are well. A status that is not OK is trouble with the database or a store that lasted over several tries; what
    // was copied stays.
    Result<StorageCopyProgress> run(const ports::Call& call);

  private:
    struct Item {
        std::string key;
        std::uint64_t size = 0;
        std::string digest;  // of an upload: what it shall have
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
