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

// Rereads trusted blobs, the longest unread first, and marks those whose bytes are missing or wrong; a marked blob is
// not served until the same bytes are uploaded again. One node at a time reads a blob. [any worker]
class Scrubber {
  public:
    // owner: "<node>/<process>", unique for each run of a process.
    Scrubber(store::Pool& pool, ports::ObjectStore& objects, StoreIdentity& identity, std::string owner,
             ScrubberOptions options);

    // Reads one blob; false if none is due. Not OK: the store or the database failed, nothing is known of the blob, and
    // others come first. A store that is not the database's marks no blob.
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

// The versions that reference the blob, for people: "debian 12.5, debian 13.0"; five at most.
Result<std::string> versions_referencing(store::Transaction& tx, std::string_view digest);

// Marks a blob as damaged, and logs it if that is news; true if it is. Writes nothing if the store is no longer the
// database's: its disk may have gone while the blob was read.
Result<bool> record_damage(const ports::Call& call, store::Pool& pool, StoreIdentity& identity,
                           const domain::Blob& blob, const std::string& damage);

}  // namespace imgsrv::services
