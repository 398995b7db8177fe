#pragma once

#include <string>
#include <vector>

#include "ports/authenticator.h"
#include "store/pool.h"

namespace imgsrv::services {

struct Admitted {
    std::string principal_id;  // empty: no rule lets it in, and it has no role
    std::vector<std::string> role_ids;
};

// What an identity of another issuer may do in this request: the roles its principal was given by hand and, when a rule
// that is in force now lets it in, the one that rules grant. Such an identity becomes a principal at its first request,
// always the same one for the same issuer and subject. What its token said is recorded with the rule.
Result<Admitted> admit_external(store::Pool& pool, const ports::Call& call, const ports::Identity& identity);

}  // namespace imgsrv::services
