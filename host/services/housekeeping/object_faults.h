#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>
#include <vector>

#include "ports/object_store.h"

namespace imgsrv::services {

// What became of the work on one object. At most one of them is not OK.
struct ObjectOutcome {
    Status fault;    // this object's own: not_found, data_loss, or what cannot be done to it while its store is well
    Status trouble;  // everything's: a store that is away or full, or the run was called off
};

// For runs over many objects. Tells trouble with one object (a bad sector, a key that a store always fails on), after
// which the run goes on, from trouble with a store, which ends it. [any]
class ObjectFaults {
  public:
    static constexpr std::chrono::milliseconds kFirstPause{500};
    // So many objects that could not be had, and none between them that could: whatever the store says, it is not well.
    static constexpr unsigned kMostInARow = 16;

    // The stores that the work needs; they must outlive this. The pause before another try doubles from try to try.
    explicit ObjectFaults(std::vector<ports::ObjectStore*> stores, std::chrono::milliseconds first_pause = kFirstPause)
        : stores_(std::move(stores)), first_pause_(first_pause) {}

    // Does the work on the object with this key, several times when it fails in passing. `work` touches nothing but
    // the stores, so that no other trouble is taken for the object's.
    ObjectOutcome attempt(const ports::Call& call, std::string_view key, const std::function<Status()>& work);
    // The bytes of an object could be had.
    void note_read() { in_a_row_ = 0; }

  private:
    Status try_often(const ports::Call& call, std::string_view key, const std::function<Status()>& work) const;

    const std::vector<ports::ObjectStore*> stores_;
    const std::chrono::milliseconds first_pause_;
    std::atomic<unsigned> in_a_row_{0};
};

// A folder that is not mounted and a bucket that was mistaken for another one have nothing of what they should: that
// says nothing of one blob. unavailable then.
Status require_some_blob(const ports::Call& call, ports::ObjectStore& objects);

}  // namespace imgsrv::services
