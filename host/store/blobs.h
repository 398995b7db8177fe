#pragma once

#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "store/transaction.h"

namespace imgsrv::store::blobs {

// not_found names the digest.
Result<domain::Blob> find(Transaction& tx, std::string_view digest);
// In the order of their digests, after `after`, at most `max`.
Result<std::vector<domain::Blob>> list(Transaction& tx, std::string_view after, std::uint32_t max);
// Makes the blob trusted. False when it is already, perhaps under another key: nothing changes then.
Result<bool> insert(Transaction& tx, const domain::Blob& blob);

}  // namespace imgsrv::store::blobs
