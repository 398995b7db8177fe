#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "domain/catalogue.h"
#include "ports/object_store.h"

namespace imgsrv::services {

struct BlobCheck {
    bool read_bytes = false;        // else only whether the object is there, with the right size
    std::uint64_t rate = 0;         // bytes per second at most; 0: as fast as it goes
    std::uint64_t* read = nullptr;  // bytes read are added, may be null
};

// What is wrong with a blob's object, in words that follow "blob sha256:… "; none if it is sound. Damage is only
// reported after a second look. Not OK: the store could not tell.
Result<std::optional<std::string>> check_blob(const ports::Call& call, ports::ObjectStore& objects,
                                              const domain::Blob& blob, const BlobCheck& how);

}  // namespace imgsrv::services
