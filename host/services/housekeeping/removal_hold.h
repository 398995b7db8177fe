#pragma once

#include <memory>
#include <string>

#include "services/lease.h"
#include "store/pool.h"

namespace imgsrv::services {

// No object is removed from the store as long as it lives, by whichever process: a row says so, which is renewed in a
// thread of its own. A process that dies leaves a row that runs out.
class RemovalHold {
  public:
    // What was not queued for removal before stays from here on. purpose: who holds it, for people. pool
    // outlives it. resource_exhausted: there is no thread to be had.
    static Result<std::unique_ptr<RemovalHold>> take(const ports::Call& call, store::Pool& pool,
                                                     const std::string& purpose);
    ~RemovalHold();
    RemovalHold(const RemovalHold&) = delete;
    RemovalHold& operator=(const RemovalHold&) = delete;

    // Cancelled once the row could not be renewed in time.
    CancelToken token() const { return lease_->token(); }
    // aborted: it may have run out, and objects may have been removed. [any]
    Status check() const;

  private:
    RemovalHold(store::Pool& pool, std::string owner);

    store::Pool& pool_;
    const std::string owner_;
    std::unique_ptr<LeaseKeeper> lease_;
};

}  // namespace imgsrv::services
