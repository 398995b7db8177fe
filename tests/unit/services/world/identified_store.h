#pragma once

#include "services/housekeeping/store_identity.h"
#include "services/storage_keys.h"
#include "world/world.h"

namespace imgsrv::test {

// A world whose store is known to be its database's, as after the first start of a server.
struct IdentifiedWorld : World {
    explicit IdentifiedWorld(MemoryStoreTraits traits = {}) : World(traits) {
        const Status established = identity.establish(call);
        INFO(established.describe());
        REQUIRE(established.ok());
    }
    // Another disk is mounted where the store was: it has no object that the database knows.
    void swap_store() {
        for (const auto& key : objects.keys()) objects.erase(key);
    }

    services::StoreIdentity identity{pool, objects, "memory"};
};

}  // namespace imgsrv::test
