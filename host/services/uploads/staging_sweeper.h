#pragma once

#include <chrono>
#include <string_view>

#include "core/time.h"
#include "ports/object_store.h"
#include "store/pool.h"

namespace imgsrv::services {

// Keeps staging and its rows small: ends sessions that expired, removes what ended sessions and crashes left in
// staging, forgets sessions that ended long ago. Several nodes may sweep at once. [any]
class StagingSweeper {
  public:
    // ttl: a session that ended is forgotten once it has been both ended and expired for this long.
    StagingSweeper(store::Pool& pool, ports::ObjectStore& objects, std::chrono::seconds ttl);

    // Does as much as it can; the status is that of the first failure.
    Status sweep(const ports::Call& call);

  private:
    Status end_expired(const ports::Call& call);
    Status remove_leftovers(const ports::Call& call);
    Status forget_ended(const ports::Call& call);
    // Whether no session needs what is at this staging key.
    Result<bool> is_leftover(const ports::Call& call, std::string_view key, Time created);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    const std::chrono::seconds ttl_;
};

}  // namespace imgsrv::services
