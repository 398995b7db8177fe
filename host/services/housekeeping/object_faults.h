#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

#include "ports/object_store.h"

namespace imgsrv::services {

// How the work on one object ended. At most one of the two is not OK.
struct ObjectOutcome {
    Status fault;    // of this object: not_found, data_loss, or an operation that fails while its store is healthy
    Status trouble;  // of the whole run: a store that is away or full, or cancelled
};

// For runs over many objects. Tells a fault of one object (a bad sector, a key that a store always fails on), after
// which the run continues, from trouble with a store, which ends it. [any]
class ObjectFaults {
  public:
    static constexpr std::chrono::milliseconds kFirstPause{500};
    // After this many faults in a row the store counts as unhealthy, whatever its health check says.
    static constexpr unsigned kMostInARow = 16;

    // stores: those that the work needs; they outlive this. The pause before a retry doubles each time.
    explicit ObjectFaults(std::vector<ports::ObjectStore*> stores, std::chrono::milliseconds first_pause = kFirstPause)
        : stores_(std::move(stores)), first_pause_(first_pause) {}

    // Does the work on the object with this key and retries transient failures. `work` must touch nothing but the
    // stores, so that no other failure is blamed on the object.
    ObjectOutcome attempt(const ports::Call& call, std::string_view key, const std::function<Status()>& work);
    // An object was read: the faults in a row start again at 0.
    void note_read() { in_a_row_ = 0; }

  private:
    Status try_often(const ports::Call& call, std::string_view key, const std::function<Status()>& work) const;

    const std::vector<ports::ObjectStore*> stores_;
    const std::chrono::milliseconds first_pause_;
    std::atomic<unsigned> in_a_row_{0};
};

// unavailable if the store holds no blob at all: then it is not mounted or the wrong one, and a missing object says
// nothing about its blob.
Status require_some_blob(const ports::Call& call, ports::ObjectStore& objects);

}  // namespace imgsrv::services
