#include "services/access/external_identity.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/log.h"
#include "core/uuid.h"
#include "domain/provisioning.h"
#include "store/access/provisioning.h"

namespace imgsrv::services {
namespace {

using store::Transaction;

// A record of a grant is written at most this often, whatever tokens say.
constexpr auto kRecordEvery = std::chrono::minutes(1);

// The claims of the identity that a rule forwards, as one JSON object.
std::string forwarded(const ports::Identity& identity, const std::vector<std::string>& names) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& [name, text] : identity.claims) {
        if (std::find(names.begin(), names.end(), name) == names.end()) continue;
        auto value = nlohmann::json::parse(text, nullptr, false);
        if (!value.is_discarded()) object[name] = std::move(value);
    }
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct Look {
    std::optional<store::provisioning::ExternalPrincipal> principal;
    bool let_in = false;
    std::vector<domain::RuleGrant> records;  // to be written; without principal_id and seen
};

Result<Look> look(Transaction& tx, const ports::Identity& identity) {
    const Time now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
    Look look;
    for (const std::string& rule_id : identity.rule_ids) {
        // The authenticator said so a moment ago; the database says so now.
        IMGSRV_ASSIGN(auto rule, store::provisioning::find_in_force(tx, rule_id, identity.issuer, identity.subject));
        if (!rule) continue;
        look.let_in = true;
        look.principal = std::move(rule->principal);
        if (rule->grant && now - rule->grant->seen < kRecordEvery) continue;
        std::string claims = forwarded(identity, store::provisioning::claim_names(rule->forwarded_claims));
        if (rule->grant && rule->grant->claims == claims && rule->grant->audience == rule->audience) continue;
        look.records.push_back({"", rule_id, identity.issuer, rule->audience, std::move(claims), {}});
    }
    if (!look.let_in) {
        IMGSRV_ASSIGN(look.principal, store::provisioning::find_external(tx, identity.issuer, identity.subject));
    }
    return look;
}

// Creates the principal if it is new, and records what let it in, in one transaction.
Result<std::string> record(store::Pool& pool, const ports::Call& call, const ports::Identity& identity,
                           const std::vector<domain::RuleGrant>& records) {
    domain::Principal principal{new_uuid(), "service", identity.display, std::nullopt, {}, Time()};
    principal.attributes = nlohmann::ordered_json{{"issuer", identity.issuer}, {"subject", identity.subject}}.dump();
    if (principal.display_name.empty()) principal.display_name = identity.subject;
    return pool.write(call, [&](Transaction& tx) -> Result<std::string> {
        IMGSRV_ASSIGN(principal.created, tx.now());
        IMGSRV_ASSIGN(std::string id,
                      store::provisioning::ensure_external(tx, principal, identity.issuer, identity.subject));
        for (domain::RuleGrant grant : records) {
            grant.principal_id = id;
            grant.seen = principal.created;
            IMGSRV_TRY(store::provisioning::put_grant(tx, grant));
        }
        return id;
    });
}

}  // namespace

Result<Admitted> admit_external(store::Pool& pool, const ports::Call& call, const ports::Identity& identity) {
    IMGSRV_ASSIGN(const Look found, pool.read(call, [&](Transaction& tx) { return look(tx, identity); }));
    Admitted admitted;
    if (found.principal) {
        admitted.principal_id = found.principal->id;
        admitted.role_ids = found.principal->role_ids;
    }
    if (!found.records.empty()) {
        IMGSRV_ASSIGN(admitted.principal_id, record(pool, call, identity, found.records));
        if (!found.principal)
            log::info("principal created for an identity of another issuer", {{"request_id", call.request_id},
                                                                              {"principal_id", admitted.principal_id},
                                                                              {"issuer", identity.issuer},
                                                                              {"subject", identity.subject}});
    }
    if (found.let_in) admitted.role_ids.emplace_back(domain::kRuleRole);
    return admitted;
}

}  // namespace imgsrv::services
