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

// The bytes under this key were found missing or wrong. False when the blob has another key by now, or was found so
// before.
Result<bool> set_damaged(Transaction& tx, std::string_view digest, std::string_view storage_key,
                         std::string_view damage, Time now);
// The bytes under this key are sound: nothing is wrong with the blob any more.
Status set_sound(Transaction& tx, std::string_view digest, std::string_view storage_key, Time now);
// A damaged blob has verified bytes under blob.storage_key from now on; what is left of the old ones is queued for
// removal. False when it is not damaged (any more): nothing changes then.
Result<bool> heal(Transaction& tx, const domain::Blob& blob, Time now);

}  // namespace imgsrv::store::blobs
