#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/catalogue.h"
#include "store/transaction.h"

// Whose turn it is to be read again.
namespace imgsrv::store::scrubbing {

// The blob that was not read for the longest, now leased to `owner`. None when all were read after `before`, or are
// being read.
Result<std::optional<domain::Blob>> claim(Transaction& tx, std::string_view owner, Time now, Time before,
                                          Time lease_until, bool skip_locked);
// aborted when the lease is another's now, or the blob is gone.
Status renew(Transaction& tx, std::string_view digest, std::string_view owner, Time lease_until);
// It was read, whatever was found.
Status set_read(Transaction& tx, std::string_view digest, Time now);
// Ends the lease; the blob is not read before `until`.
Status release(Transaction& tx, std::string_view digest, std::string_view owner, Time until);

// "debian 12.5": at most `max` of the versions whose artifacts or attachments name the blob.
Result<std::vector<std::string>> versions_with(Transaction& tx, std::string_view digest, std::uint32_t max);

}  // namespace imgsrv::store::scrubbing
