#include "store/access/principals.h"

#include <algorithm>

#include "domain/provisioning.h"
#include "store/paging.h"

namespace imgsrv::store::principals {
namespace {

#define PRINCIPAL_COLUMNS "id, kind, display_name, attributes, created_us"
#define TOKEN_COLUMNS "id, principal_id, name, expires_us, created_us, last_used_us, revoked_us"

domain::Principal read_principal(const ports::Row& row) {
    Columns c(row);
    domain::Principal p;
    p.id = c.text();
    p.kind = c.text();
    p.display_name = c.text();
    p.attributes = c.optional_text();
    p.created = c.time();
    return p;
}

domain::ApiToken read_token(const ports::Row& row) {
    Columns c(row);
    domain::ApiToken t;
    t.id = c.text();
    t.principal_id = c.text();
    t.name = c.optional_text();
    t.expires = c.time();
    t.created = c.time();
    t.last_used = c.optional_time();
    t.revoked = c.optional_time();
    return t;
}

// Roles given by hand, and those that a rule has granted.
Result<std::vector<std::string>> assigned_roles(Transaction& tx, std::string_view id) {
    IMGSRV_ASSIGN(auto list, roles(tx, id));
    const auto at = std::lower_bound(list.begin(), list.end(), domain::kRuleRole);
    if (at != list.end() && *at == domain::kRuleRole) return list;
    IMGSRV_ASSIGN(const bool granted, tx.query_one("SELECT 1 FROM rule_grants WHERE principal_id = $1 LIMIT 1", {id},
                                                   [](const ports::Row&) { return Status(); }));
    if (granted) list.insert(at, std::string(domain::kRuleRole));
    return list;
}

}  // namespace

Status insert(Transaction& tx, const domain::Principal& p) {
    return tx
        .exec("INSERT INTO principals (id, kind, display_name, attributes, created_us) VALUES ($1, $2, $3, $4, $5)",
              {p.id, p.kind, p.display_name, param(p.attributes), param(p.created)})
        .status();
}

Result<domain::Principal> find(Transaction& tx, std::string_view id) {
    domain::Principal principal;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " PRINCIPAL_COLUMNS " FROM principals WHERE id = $1", {id},
                                                 [&](const ports::Row& row) {
                                                     principal = read_principal(row);
                                                     return Status();
                                                 }));
    if (!found) return Status(Code::not_found, "there is no principal " + std::string(id.substr(0, 64)));
    IMGSRV_ASSIGN(principal.role_ids, assigned_roles(tx, id));
    return principal;
}

Result<domain::Page<domain::Principal>> list(Transaction& tx, const domain::PageRequest& page) {
    auto found =
        paged<domain::Principal>(tx, "SELECT " PRINCIPAL_COLUMNS " FROM principals WHERE id > $1 ORDER BY id LIMIT $2",
                                 {page.after, param(page.limit + 1)}, page.limit, read_principal,
                                 [](const domain::Principal& p) { return p.id; });
    if (!found.ok()) return found;
    for (auto& principal : found->items) {
        IMGSRV_ASSIGN(principal.role_ids, assigned_roles(tx, principal.id));
    }
    return found;
}

Result<std::vector<std::string>> roles(Transaction& tx, std::string_view id) {
    std::vector<std::string> list;
    IMGSRV_TRY(tx.query("SELECT role_id FROM principal_roles WHERE principal_id = $1 ORDER BY role_id", {id},
                        [&](const ports::Row& row) {
                            list.emplace_back(row.text(0));
                            return Status();
                        }));
    return list;
}

Status grant(Transaction& tx, std::string_view id, std::string_view role, Time now) {
    return tx
        .exec(
            "INSERT INTO principal_roles (principal_id, role_id, granted_us) VALUES ($1, $2, $3) ON CONFLICT DO "
            "NOTHING",
            {id, role, param(now)})
        .status();
}

Status revoke(Transaction& tx, std::string_view id, std::string_view role) {
    return tx.exec("DELETE FROM principal_roles WHERE principal_id = $1 AND role_id = $2", {id, role}).status();
}

Status insert_token(Transaction& tx, const domain::ApiToken& t, std::string_view verifier) {
    return tx
        .exec(
            "INSERT INTO api_tokens (id, principal_id, name, verifier, created_us, expires_us) VALUES ($1, $2, $3, $4, "
            "$5, "
            "$6)",
            {t.id, t.principal_id, param(t.name), verifier, param(t.created), param(t.expires)})
        .status();
}

Result<domain::Page<domain::ApiToken>> tokens(Transaction& tx, std::string_view principal_id,
                                              const domain::PageRequest& page) {
    return paged<domain::ApiToken>(
        tx, "SELECT " TOKEN_COLUMNS " FROM api_tokens WHERE principal_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        {principal_id, page.after, param(page.limit + 1)}, page.limit, read_token,
        [](const domain::ApiToken& t) { return t.id; });
}

Result<ports::TokenRecord> find_live_token(Transaction& tx, std::string_view token_id) {
    ports::TokenRecord token;
    IMGSRV_ASSIGN(
        const bool found,
        tx.query_one("SELECT t.id, t.verifier, t.principal_id, p.display_name, t.expires_us FROM api_tokens t JOIN "
                     "principals p ON p.id = t.principal_id WHERE t.id = $1 AND t.revoked_us IS NULL",
                     {token_id}, [&](const ports::Row& row) {
                         Columns c(row);
                         token.token_id = c.text();
                         token.verifier = c.text();
                         token.principal_id = c.text();
                         token.display = c.text();
                         token.expires = c.time();
                         return Status();
                     }));
    if (!found) return Status(Code::not_found, "there is no such token");
    return token;
}

Status touch_token(Transaction& tx, std::string_view token_id, Time now) {
    return tx
        .exec("UPDATE api_tokens SET last_used_us = $2 WHERE id = $1 AND (last_used_us IS NULL OR last_used_us <= $3)",
              {token_id, param(now), param(now - std::chrono::minutes(1))})
        .status();
}

Status revoke_token(Transaction& tx, std::string_view token_id, Time now) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE api_tokens SET revoked_us = COALESCE(revoked_us, $2) WHERE id = $1", {token_id, param(now)}));
    if (changed == 1) return {};
    return {Code::not_found, "there is no API token " + std::string(token_id.substr(0, 64))};
}

Result<bool> has_live_auth_manager(Transaction& tx, Time now) {
    return tx.query_one(
        "SELECT 1 FROM api_tokens t JOIN principal_roles r ON r.principal_id = t.principal_id WHERE r.role_id "
        "= 'auth-manager' AND t.revoked_us IS NULL AND t.expires_us > $1 LIMIT 1",
        {param(now)}, [](const ports::Row&) { return Status(); });
}

Status claim_bootstrap(Transaction& tx) {
    // This row always exists; the update does not change it.
    return tx.exec("UPDATE catalogue_generation SET generation = generation WHERE id = 1").status();
}

}  // namespace imgsrv::store::principals
