#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/page.h"
#include "domain/principal.h"
#include "ports/authenticator.h"
#include "store/transaction.h"

namespace imgsrv::store::principals {

// Every function runs inside the caller's transaction. find* answer not_found and name the id.

Status insert(Transaction& tx, const domain::Principal& principal);
// With its roles, also those that provisioning rules have granted.
Result<domain::Principal> find(Transaction& tx, std::string_view id);
Result<domain::Page<domain::Principal>> list(Transaction& tx, const domain::PageRequest& page);
// The roles that were given by hand; empty when there is no such principal. A rule's grant is no right by itself: it
// depends on the token of each request.
Result<std::vector<std::string>> roles(Transaction& tx, std::string_view id);
// Each is safe to repeat.
Status grant(Transaction& tx, std::string_view id, std::string_view role, Time now);
Status revoke(Transaction& tx, std::string_view id, std::string_view role);

Status insert_token(Transaction& tx, const domain::ApiToken& token, std::string_view verifier);
Result<domain::Page<domain::ApiToken>> tokens(Transaction& tx, std::string_view principal_id,
                                              const domain::PageRequest& page);
// not_found when there is no such token or it was revoked.
Result<ports::TokenRecord> find_live_token(Transaction& tx, std::string_view token_id);
// Keeps the time of use, at most once in a minute.
Status touch_token(Transaction& tx, std::string_view token_id, Time now);
// not_found when there is no such token; safe to repeat.
Status revoke_token(Transaction& tx, std::string_view token_id, Time now);
// Whether some principal with the auth-manager role has a token that is valid now.
Result<bool> has_live_auth_manager(Transaction& tx, Time now);
// Of transactions that make the first auth manager at the same time, lets one pass: the others fail as serialization
// when that one has committed, and see its work when they are repeated.
Status claim_bootstrap(Transaction& tx);

}  // namespace imgsrv::store::principals
