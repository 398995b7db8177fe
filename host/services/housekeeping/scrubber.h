#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "domain/catalogue.h"
#include "ports/object_store.h"
#include "services/housekeeping/store_identity.h"
#include "store/pool.h"

namespace imgsrv::services {

struct ScrubberOptions {
    std::uint64_t rate = 16ULL << 20;                          // bytes per second on this node
    std::chrono::milliseconds interval{7LL * 24 * 3'600'000};  // how often each blob is read
};

struct ScrubberStats {
    std::uint64_t blobs = 0;  // read to the end
    std::uint64_t bytes = 0;
    std::uint64_t damaged = 0;  // found missing or wrong
    std::uint64_t healed = 0;   // found sound after they had been marked
};

// Reads trusted blobs again, the one that was not read for the longest first, and marks those whose bytes are missing
// or wrong: they are no longer served until the same bytes are uploaded again. One node at a time reads a blob. [any
// worker]
class Scrubber {
  public:
    // owner: "<node>/<process>", unique for each run of a process.
    Scrubber(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, std::string owner,
             ScrubberOptions options);

    // Reads one blob. False when none is due. A status that is not OK: the store or the database is in trouble, and
    // nothing is known of the blob; others come first then. No blob is marked by the word of a store that is not the
    // database's.
    Result<bool> run_one(const ports::Call& call);
    // Since the process began. [any]
    ScrubberStats stats() const;

  private:
    Status judge(const ports::Call& call, const domain::Blob& blob, const std::optional<std::string>& damage);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    StoreIdentity& identity_;
    const std::string owner_;
    const ScrubberOptions options_;
    mutable std::mutex mutex_;
    ScrubberStats stats_;
};

// The versions that name the blob, for people: "debian 12.5, debian 13.0"; five at most.
Result<std::string> versions_naming(store::Transaction& tx, std::string_view digest);

// Writes down what a look at a blob's bytes found, and tells the log of it when it is news. True when it is.
// Nothing is written when the store is, by now, not the database's: a disk may have gone while the blob was read.
Result<bool> record_damage(const ports::Call& call, store::Pool& pool, StoreIdentity& identity,
                           const domain::Blob& blob, const std::string& damage);

}  // namespace imgsrv::services
