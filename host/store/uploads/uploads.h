#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/upload.h"
#include "store/transaction.h"

namespace imgsrv::store::uploads {

// Every function runs inside the caller's transaction.

Status insert(Transaction& tx, const domain::UploadSession& session, std::string_view created_by);
// not_found names the id.
Result<domain::UploadSession> find(Transaction& tx, std::string_view id);
Result<std::vector<domain::UploadPart>> parts(Transaction& tx, std::string_view id);

// None when it was not received.
Result<std::optional<domain::UploadPart>> find_part(Transaction& tx, std::string_view id, std::uint32_t number);
// The part is accepted: its row replaces an older one, the session becomes uploading.
Status put_part(Transaction& tx, std::string_view id, const domain::UploadPart& part, Time now);
// Records, before they do, that bytes are going to the object store as this part. Returns how often they have, this
// time included; a part that was accepted without a record counts too. 0: the session takes no parts.
Result<std::uint64_t> record_send(Transaction& tx, std::string_view id, std::uint32_t number);
// How many of the parts 1…last went to the object store exactly once.
Result<std::uint64_t> count_sent_once(Transaction& tx, std::string_view id, std::uint32_t last);
// The part is not accepted any more.
Status remove_part(Transaction& tx, std::string_view id, std::uint32_t number);
// Moves the running hash from what `from` says (parts and state) to what `to` says. False when it is not at `from` any
// more.
Result<bool> advance_hash(Transaction& tx, const domain::UploadSession& from, const domain::UploadSession& to);
// The running hash starts again: a part it covered was replaced.
Status reset_hash(Transaction& tx, std::string_view id);

// Only these parts stay.
Status keep_parts(Transaction& tx, std::string_view id, const std::vector<domain::UploadPart>& kept);
// created or uploading → completed. False when the session was in another state.
Result<bool> set_completed(Transaction& tx, std::string_view id, Time now);
// → ready, failed or aborted from created, uploading or completed. False when it was in another state.
Result<bool> end(Transaction& tx, std::string_view id, domain::UploadState state,
                 const std::optional<std::string>& failure, Time now);

// The oldest session to promote, now leased to `owner`: completed, or ingesting under a lease that ended.
Result<std::optional<domain::UploadSession>> claim(Transaction& tx, std::string_view owner, Time now, Time lease_until,
                                                   bool skip_locked);
// Each is fenced by owner and attempt: aborted when the lease is another's now.
Status renew(Transaction& tx, const domain::UploadSession& claimed, Time lease_until);
Status finish(Transaction& tx, const domain::UploadSession& claimed, domain::UploadState state,
              const std::optional<std::string>& failure, Time now);
// Back to completed, not to be claimed before `not_before`.
Status hand_back(Transaction& tx, const domain::UploadSession& claimed, Time not_before);
// Leases of earlier processes of this node end at once.
Status end_leases(Transaction& tx, std::string_view node);

// Sessions whose bytes are complete in staging: completed or ingesting.
Result<std::vector<domain::UploadSession>> waiting(Transaction& tx);
// Sessions that may still receive parts but expired, at most `max`.
Result<std::vector<domain::UploadSession>> expired(Transaction& tx, Time now, std::uint32_t max);
// Forgets sessions that ended before `before`. Returns how many.
Result<std::uint64_t> forget(Transaction& tx, Time before);

}  // namespace imgsrv::store::uploads
