#include "store/access/provisioning.h"

#include <nlohmann/json.hpp>

#include "store/paging.h"

namespace imgsrv::store::provisioning {
namespace {

#define RULE_COLUMNS \
    "id, display_name, issuer_url, audience, forwarded_claims, condition, enabled, created_us, updated_us"

std::string to_text(const std::vector<std::string>& names) {
    return nlohmann::json(names).dump();
}

domain::ProvisioningRule read_rule(const ports::Row& row) {
    Columns c(row);
    domain::ProvisioningRule rule;
    rule.id = c.text();
    rule.display_name = c.text();
    rule.issuer_url = c.text();
    rule.audience = c.text();
    rule.forwarded_claims = claim_names(c.text());
    rule.condition = c.text();
    rule.enabled = c.flag();
    rule.created = c.time();
    rule.updated = c.time();
    return rule;
}

Status no_rule(std::string_view id) {
    return {Code::not_found, "there is no provisioning rule " + std::string(id.substr(0, 64))};
}

}  // namespace

Result<std::int64_t> generation(Transaction& tx) {
    std::int64_t generation = 0;
    IMGSRV_TRY(tx.query("SELECT generation FROM provisioning_generation", {}, [&](const ports::Row& row) {
        generation = row.integer(0);
        return Status();
    }));
    return generation;
}

Status insert(Transaction& tx, const domain::ProvisioningRule& r) {
    auto inserted = tx.exec("INSERT INTO provisioning_rules (" RULE_COLUMNS
                            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO "
                            "NOTHING",
                            {r.id, r.display_name, r.issuer_url, r.audience, to_text(r.forwarded_claims), r.condition,
                             std::int64_t{r.enabled}, param(r.created), param(r.updated)});
    if (!inserted.ok()) return std::move(inserted).status();
    if (*inserted == 1) return {};
    return {Code::already_exists, "there is a provisioning rule " + r.id + " already"};
}

Status update(Transaction& tx, const domain::ProvisioningRule& r) {
    IMGSRV_ASSIGN(
        const auto changed,
        tx.exec("UPDATE provisioning_rules SET display_name = $2, issuer_url = $3, audience = $4, forwarded_claims = "
                "$5, condition = $6, enabled = $7, updated_us = $8 WHERE id = $1",
                {r.id, r.display_name, r.issuer_url, r.audience, to_text(r.forwarded_claims), r.condition,
                 std::int64_t{r.enabled}, param(r.updated)}));
    return changed == 1 ? Status() : no_rule(r.id);
}

Status remove(Transaction& tx, std::string_view id) {
    IMGSRV_ASSIGN(const auto changed, tx.exec("DELETE FROM provisioning_rules WHERE id = $1", {id}));
    return changed == 1 ? Status() : no_rule(id);
}

Result<domain::ProvisioningRule> find(Transaction& tx, std::string_view id) {
    domain::ProvisioningRule rule;
    IMGSRV_ASSIGN(const bool found, tx.query_one("SELECT " RULE_COLUMNS " FROM provisioning_rules WHERE id = $1", {id},
                                                 [&](const ports::Row& row) {
                                                     rule = read_rule(row);
                                                     return Status();
                                                 }));
    if (!found) return no_rule(id);
    return rule;
}

Result<domain::Page<domain::ProvisioningRule>> list(Transaction& tx, const domain::PageRequest& page) {
    return paged<domain::ProvisioningRule>(
        tx, "SELECT " RULE_COLUMNS " FROM provisioning_rules WHERE id > $1 ORDER BY id LIMIT $2",
        {page.after, param(page.limit + 1)}, page.limit, read_rule,
        [](const domain::ProvisioningRule& r) { return r.id; });
}

Result<std::vector<domain::ProvisioningRule>> enabled(Transaction& tx) {
    std::vector<domain::ProvisioningRule> rules;
    IMGSRV_TRY(tx.query("SELECT " RULE_COLUMNS " FROM provisioning_rules WHERE enabled = 1 ORDER BY id", {},
                        [&](const ports::Row& row) {
                            rules.push_back(read_rule(row));
                            return Status();
                        }));
    return rules;
}

Result<std::size_t> count(Transaction& tx) {
    std::size_t count = 0;
    IMGSRV_TRY(tx.query("SELECT COUNT(*) FROM provisioning_rules", {}, [&](const ports::Row& row) {
        count = static_cast<std::size_t>(row.integer(0));
        return Status();
    }));
    return count;
}

Result<std::optional<ExternalPrincipal>> find_external(Transaction& tx, std::string_view issuer,
                                                       std::string_view subject) {
    std::optional<ExternalPrincipal> found;
    IMGSRV_TRY(tx.query(
        "SELECT p.id, r.role_id FROM principals p LEFT JOIN principal_roles r ON r.principal_id = p.id WHERE p.issuer "
        "= $1 AND p.subject = $2 ORDER BY r.role_id",
        {issuer, subject}, [&](const ports::Row& row) {
            Columns c(row);
            if (!found) found.emplace();
            found->id = c.text();
            if (auto role = c.optional_text()) found->role_ids.push_back(std::move(*role));
            return Status();
        }));
    return found;
}

Result<std::string> ensure_external(Transaction& tx, const domain::Principal& p, std::string_view issuer,
                                    std::string_view subject) {
    IMGSRV_TRY(tx.exec("INSERT INTO principals (id, kind, display_name, attributes, issuer, subject, created_us) "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                       {p.id, p.kind, p.display_name, param(p.attributes), issuer, subject, param(p.created)})
                   .status());
    IMGSRV_ASSIGN(const auto found, find_external(tx, issuer, subject));
    if (!found) return Status(Code::internal, "a principal that was just made is not there");
    return found->id;
}

Result<std::optional<RuleInForce>> find_in_force(Transaction& tx, std::string_view rule_id, std::string_view issuer,
                                                 std::string_view subject) {
    std::optional<RuleInForce> found;
    // A row for each role of the principal.
    IMGSRV_TRY(tx.query(
        "SELECT r.audience, r.forwarded_claims, p.id, o.role_id, g.audience, g.claims, g.seen_us FROM "
        "provisioning_rules r LEFT JOIN principals p ON p.issuer = r.issuer_url AND p.subject = $3 LEFT JOIN "
        "principal_roles o ON o.principal_id = p.id LEFT JOIN rule_grants g ON g.rule_id = r.id AND g.principal_id = "
        "p.id WHERE r.id = $1 AND r.issuer_url = $2 AND r.enabled = 1 ORDER BY o.role_id",
        {rule_id, issuer, subject}, [&](const ports::Row& row) {
            if (found) {
                found->principal->role_ids.emplace_back(row.text(3));
                return Status();
            }
            Columns c(row);
            found.emplace();
            found->audience = c.text();
            found->forwarded_claims = c.text();
            const auto principal_id = c.optional_text();
            if (!principal_id) return Status();
            found->principal = ExternalPrincipal{*principal_id, {}};
            if (auto role = c.optional_text()) found->principal->role_ids.push_back(std::move(*role));
            auto audience = c.optional_text();
            if (!audience) return Status();
            domain::RuleGrant grant{
                *principal_id, std::string(rule_id), std::string(issuer), std::move(*audience), c.text(), {}};
            grant.seen = c.time();
            found->grant = std::move(grant);
            return Status();
        }));
    return found;
}

std::vector<std::string> claim_names(const std::string& text) {
    std::vector<std::string> names;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) return names;
    for (const auto& name : json)
        if (name.is_string()) names.push_back(name.get<std::string>());
    return names;
}

Status put_grant(Transaction& tx, const domain::RuleGrant& g) {
    return tx
        .exec(
            "INSERT INTO rule_grants (principal_id, rule_id, audience, claims, granted_us, seen_us) VALUES ($1, $2, "
            "$3, "
            "$4, $5, $5) ON CONFLICT (principal_id, rule_id) DO UPDATE SET audience = $3, claims = $4, seen_us = $5",
            {g.principal_id, g.rule_id, g.audience, g.claims, param(g.seen)})
        .status();
}

Result<std::vector<domain::RuleGrant>> grants(Transaction& tx, std::string_view rule_id, std::string_view after,
                                              std::uint32_t limit) {
    std::vector<domain::RuleGrant> list;
    IMGSRV_TRY(tx.query(
        "SELECT g.principal_id, g.rule_id, p.issuer, g.audience, g.claims, g.seen_us FROM rule_grants g JOIN "
        "principals p ON p.id = g.principal_id WHERE g.rule_id = $1 AND g.principal_id > $2 ORDER BY g.principal_id "
        "LIMIT $3",
        {rule_id, after, param(limit)}, [&](const ports::Row& row) {
            Columns c(row);
            domain::RuleGrant grant;
            grant.principal_id = c.text();
            grant.rule_id = c.text();
            grant.issuer = c.optional_text().value_or("");
            grant.audience = c.text();
            grant.claims = c.text();
            grant.seen = c.time();
            list.push_back(std::move(grant));
            return Status();
        }));
    return list;
}

Status remove_grant(Transaction& tx, const domain::RuleGrant& g) {
    return tx
        .exec("DELETE FROM rule_grants WHERE principal_id = $1 AND rule_id = $2 AND seen_us = $3",
              {g.principal_id, g.rule_id, param(g.seen)})
        .status();
}

Status remove_grants(Transaction& tx, std::string_view principal_id) {
    return tx.exec("DELETE FROM rule_grants WHERE principal_id = $1", {principal_id}).status();
}

}  // namespace imgsrv::store::provisioning
