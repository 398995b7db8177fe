#pragma once

#include <string>

#include "ports/object_store.h"
#include "services/uploads/parts_in_flight.h"
#include "store/pool.h"

namespace imgsrv::services {

// Hashes parts that came out of order: once the gap before them has closed, reads them back from the object store and
// moves the session's running hash over them, so that promotion need not read them. [any]
class PartHasher {
  public:
    PartHasher(store::Pool& pool, ports::ObjectStore& objects, PartsInFlight& in_flight);

    // Hashes the accepted parts that follow the session's running hash without a gap. Returns early, with OK, if the
    // call is cancelled, another thread owns the hash, or the store cannot read parts before completion
    // (ObjectStore::can_open_part). An error is the store's or the database's; the running hash stays true, and
    // promotion reads what it does not cover.
    Status hash_backlog(const ports::Call& call, const std::string& session_id);

  private:
    // False if no part follows the running hash, or it was replaced while it was read.
    Result<bool> hash_next_part(const ports::Call& call, const std::string& session_id);

    store::Pool& pool_;
    ports::ObjectStore& objects_;
    PartsInFlight& in_flight_;
};

}  // namespace imgsrv::services
