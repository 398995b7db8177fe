#pragma once

#include <string_view>

#include "domain/catalogue.h"
#include "store/transaction.h"

namespace imgsrv::store::blobs {

// not_found names the digest.
Result<domain::Blob> find(Transaction& tx, std::string_view digest);
// Makes the blob trusted; nothing changes when it is already.
Status insert(Transaction& tx, const domain::Blob& blob);

}  // namespace imgsrv::store::blobs
