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

// None if it was not accepted.
Result<std::optional<domain::UploadPart>> find_part(Transaction& tx, std::string_view id, std::uint32_t number);
// The part is accepted: its row replaces an older one, and the session becomes uploading. failed_precondition if the
// session takes no more parts.
Status put_part(Transaction& tx, std::string_view id, const domain::UploadPart& part, Time now);
// Records that bytes are about to become this part in the object store. Returns how often that has happened, this time
// included; a part that was accepted without a record counts too. 0: the session takes no parts.
Result<std::uint64_t> record_send(Transaction& tx, std::string_view id, std::uint32_t number);
// How many of the parts 1…last were sent to the object store exactly once.
Result<std::uint64_t> count_sent_once(Transaction& tx, std::string_view id, std::uint32_t last);
// The part is not accepted any more.
Status remove_part(Transaction& tx, std::string_view id, std::uint32_t number);
// Moves the running hash from where `from` has it (parts and state) to where `to` has it. False if it is no longer at
// `from`, or the session takes no more parts.
Result<bool> advance_hash(Transaction& tx, const domain::UploadSession& from, const domain::UploadSession& to);
// The running hash starts again: a part it covered was replaced.
Status reset_hash(Transaction& tx, std::string_view id);

// Removes the rows of all other parts. kept: in ascending order of number.
Status keep_parts(Transaction& tx, std::string_view id, const std::vector<domain::UploadPart>& kept);
// created or uploading → completed. False if the session was in another state.
Result<bool> set_completed(Transaction& tx, std::string_view id, Time now);
// created or uploading → `state`: failed or aborted. False if the session was in another state.
Result<bool> end(Transaction& tx, std::string_view id, domain::UploadState state, std::string_view failure, Time now);
// created, uploading or completed → aborted. False if the session was in another state.
Result<bool> abort(Transaction& tx, std::string_view id, Time now);

// Leases the session that has waited longest to `owner` and returns it: completed, or ingesting under a lease that has
// run out.
Result<std::optional<domain::UploadSession>> claim(Transaction& tx, std::string_view owner, Time now, Time lease_until,
                                                   bool skip_locked);
// The next three are fenced by owner and attempt: aborted if another worker holds the lease now.
Status renew(Transaction& tx, const domain::UploadSession& claimed, Time lease_until);
Status finish(Transaction& tx, const domain::UploadSession& claimed, domain::UploadState state,
              const std::optional<std::string>& failure, Time now);
// Back to completed; not claimed again before `not_before`.
Status hand_back(Transaction& tx, const domain::UploadSession& claimed, Time not_before);
// Ends the leases of earlier processes of this node at once. node: what their owners begin with.
Status end_leases(Transaction& tx, std::string_view node);

// Sessions whose bytes are complete in staging: completed or ingesting.
Result<std::vector<domain::UploadSession>> waiting(Transaction& tx);
// Sessions that have expired in a state that takes parts, at most `max`.
Result<std::vector<domain::UploadSession>> expired(Transaction& tx, Time now, std::uint32_t max);
// Forgets sessions that both ended and expired before `before`. Returns how many.
Result<std::uint64_t> forget(Transaction& tx, Time before);

}  // namespace imgsrv::store::uploads
