#pragma once

#include <memory>
#include <string>

#include "services/lease_keeper.h"
#include "store/pool.h"

namespace imgsrv::services {

// While it lives, no process removes an object from the store. It is a row that a thread of its own renews; if the
// process dies, the row expires.
class RemovalHold {
  public:
    // While held, nothing newly queued is deleted. purpose: shown to people, "backup". The pool outlives the hold.
    // resource_exhausted: no thread could be started.
    static Result<std::unique_ptr<RemovalHold>> take(const ports::Call& call, store::Pool& pool,
                                                     const std::string& purpose);
    ~RemovalHold();
    RemovalHold(const RemovalHold&) = delete;
    RemovalHold& operator=(const RemovalHold&) = delete;

    // Cancelled once the row could not be renewed in time.
    CancelToken token() const { return lease_->token(); }
    // aborted: the hold may have expired, and objects may have been removed. [any]
    Status check() const;

  private:
    RemovalHold(store::Pool& pool, std::string owner);

    store::Pool& pool_;
    const std::string owner_;
    std::unique_ptr<LeaseKeeper> lease_;
};

}  // namespace imgsrv::services
