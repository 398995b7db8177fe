#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

struct StorageCopyOptions {
    bool verify = false;       // reads every object of the target back, also those that were there
    std::size_t parallel = 4;  // objects at a time
};

struct StorageCopyProgress {
    std::uint64_t objects = 0;  // needed, as far as is known
    std::uint64_t bytes = 0;
    std::uint64_t done = 0;           // objects that the target has now
    std::uint64_t done_bytes = 0;     // of those
    std::uint64_t copied = 0;         // of those, not there before
    std::vector<std::string> faults;  // a sentence for each object that could not be had: its bytes are gone or wrong
};

// Copies every object that the catalogue needs from one store to another: trusted blobs, and the bytes of uploads that
// wait for promotion. The server may run meanwhile: what becomes trusted during the copy is copied too, and a second
// run takes what came after the first. Nothing in the source changes. An object appears in the target whole or not at
// all, and a blob only after its bytes gave its digest; a run that died goes on where it was, object by object.
class StorageCopy {
  public:
    // Told now and then. [any]
    using Report = std::function<void(const StorageCopyProgress&)>;

    StorageCopy(store::Pool& pool, ports::ObjectStore& from, ports::ObjectStore& to, StorageCopyOptions options,
                Report report);

    // Faults of single objects are in the result. A status that is not OK is trouble with the database or a store that
    // lasted over several tries; what was copied stays.
    Result<StorageCopyProgress> run(const ports::Call& call);

  private:
    struct Item {
        std::string key;
        std::uint64_t size = 0;
        std::string digest;  // empty: not verified yet
    };
    enum class Outcome { copied, present, skipped };

    Result<std::vector<Item>> list_new(const ports::Call& call);
    Status copy_all(const ports::Call& call, const std::vector<Item>& items);
    Result<Outcome> copy_one(const ports::Call& call, const Item& item);
    Result<bool> is_needed(const ports::Call& call, const Item& item);
    Result<bool> has(const ports::Call& call, const Item& item);
    Status check_target(const ports::Call& call, const Item& item);
    Status transfer(const ports::Call& call, const Item& item);
    Status transfer_in_parts(const ports::Call& call, const Item& item, ports::ByteReader& body);
    void account(const Item& item, Outcome outcome);
    void account_fault(const Item& item, const Status& why);

    store::Pool& pool_;
    ports::ObjectStore& from_;
    ports::ObjectStore& to_;
    const StorageCopyOptions options_;
    const Report report_;
    std::unordered_set<std::string> seen_;  // keys
    std::mutex mutex_;                      // guards progress_
    StorageCopyProgress progress_;
};

}  // namespace imgsrv::services
