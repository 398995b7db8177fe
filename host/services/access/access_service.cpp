#include "services/access/access_service.h"

#include <algorithm>
#include <tuple>

#include "core/log.h"
#include "core/uuid.h"
#include "domain/names.h"
#include "services/access/external_identity.h"
#include "store/access/principals.h"
#include "store/access/provisioning.h"

namespace imgsrv::services {

using store::Transaction;

bool Caller::may(domain::Action action) const {
    return std::find(actions.begin(), actions.end(), action) != actions.end();
}

AccessService::AccessService(store::Pool& pool, std::vector<std::unique_ptr<ports::Authenticator>> authenticators)
    : pool_(pool), authenticators_(std::move(authenticators)) {}

Result<Caller> AccessService::authenticate(const ports::Call& call, std::string_view authorization,
                                           std::string_view peer) {
    if (authorization.empty()) return Caller();
    const Status refused(Code::unauthenticated, "the credentials are not valid");
    const auto space = authorization.find(' ');
    if (space == std::string_view::npos)
        return Status(Code::unauthenticated, "the Authorization header must be a scheme, a blank and credentials");
    auto secret = authorization.substr(space + 1);
    secret.remove_prefix(std::min(secret.find_first_not_of(' '), secret.size()));
    for (const auto& authenticator : authenticators_) {
        IMGSRV_ASSIGN(const auto answer,
                      authenticator->authenticate(call, {authorization.substr(0, space), secret, peer}));
        if (answer.verdict == ports::Authenticator::Verdict::not_mine) continue;
        if (answer.verdict == ports::Authenticator::Verdict::rejected) return refused;
        return admit(call, answer.identity);
    }
    return refused;
}

// The only place where an identity gets its rights.
Result<Caller> AccessService::admit(const ports::Call& call, const ports::Identity& identity) {
    Caller caller;
    caller.identified = true;
    std::vector<std::string> roles;
    if (identity.issuer.empty()) {
        caller.principal_id = identity.subject;
        IMGSRV_ASSIGN(
            roles, pool_.read(call, [&](Transaction& tx) { return store::principals::roles(tx, identity.subject); }));
    } else {
        IMGSRV_ASSIGN(auto admitted, admit_external(pool_, call, identity));
        caller.principal_id = std::move(admitted.principal_id);
        roles = std::move(admitted.role_ids);
    }
    for (const auto& id : roles)
        if (const domain::Role* role = domain::find_role(id)) caller.actions.push_back(role->action);
    return caller;
}

Status AccessService::require(const Caller& caller, domain::Action action) {
    if (caller.anonymous()) return {Code::unauthenticated, "this needs a token"};
    if (caller.may(action)) return {};
    return {Code::permission_denied,
            "this needs " + std::string(domain::to_string(action)) + ", which none of the principal's roles grants"};
}

Result<domain::Principal> AccessService::create_principal(const ports::Call& call, const NewPrincipal& request) {
    if (request.kind != "user" && request.kind != "service")
        return Status(Code::invalid_argument, "kind '" + request.kind.substr(0, 64) + "' is neither user nor service");
    if (request.display_name.empty()) return Status(Code::invalid_argument, "display_name must not be empty");
    IMGSRV_TRY(domain::check_text("display_name", request.display_name, 256));
    domain::Principal principal{new_uuid(), request.kind, request.display_name, request.attributes, {}, Time()};
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(principal.created, tx.now());
        return store::principals::insert(tx, principal);
    }));
    log::info("principal created", {{"request_id", call.request_id}, {"principal_id", principal.id}});
    return principal;
}

Result<domain::Principal> AccessService::principal(const ports::Call& call, std::string_view id) {
    return pool_.read(call, [&](Transaction& tx) { return store::principals::find(tx, id); });
}

Result<domain::Page<domain::Principal>> AccessService::principals(const ports::Call& call,
                                                                  const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) { return store::principals::list(tx, page); });
}

namespace {

// For later questions of who could do what; the request's own log line says who asked for it.
void record(const ports::Call& call, std::string_view what, std::string_view principal_id, std::string_view key,
            std::string_view value) {
    log::info(what, {{"request_id", call.request_id}, {"principal_id", principal_id}, {key, value}});
}

Status check_role(std::string_view role_id) {
    if (domain::find_role(role_id)) return {};
    return {Code::not_found, "there is no role '" + std::string(role_id.substr(0, 64)) +
                                 "'; the roles are auth-manager and content-writer"};
}

}  // namespace

Status AccessService::grant(const ports::Call& call, std::string_view principal_id, std::string_view role_id) {
    IMGSRV_TRY(check_role(role_id));
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_TRY(store::principals::find(tx, principal_id).status());
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::principals::grant(tx, principal_id, role_id, now);
    }));
    record(call, "role granted", principal_id, "role_id", role_id);
    return {};
}

Status AccessService::revoke_role(const ports::Call& call, std::string_view principal_id, std::string_view role_id) {
    IMGSRV_TRY(check_role(role_id));
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_TRY(store::principals::find(tx, principal_id).status());
        if (role_id == domain::kRuleRole) IMGSRV_TRY(store::provisioning::remove_grants(tx, principal_id));
        return store::principals::revoke(tx, principal_id, role_id);
    }));
    record(call, "role revoked", principal_id, "role_id", role_id);
    return {};
}

Result<AccessService::Issued> AccessService::issue_token(const ports::Call& call, std::string_view principal_id,
                                                         const NewToken& request) {
    if (request.name) IMGSRV_TRY(domain::check_text("name", *request.name, 256));
    const auto issuer =
        std::find_if(authenticators_.begin(), authenticators_.end(), [](const auto& a) { return a->can_issue(); });
    if (issuer == authenticators_.end())
        return Status(Code::failed_precondition,
                      "no configured auth driver issues tokens; add \"bearer\" to [auth] drivers");
    Issued out;
    out.token.id = new_uuid();
    out.token.principal_id = principal_id;
    out.token.name = request.name;
    out.token.expires = request.expires;
    IMGSRV_ASSIGN(auto secret, (*issuer)->issue(call, out.token.id));
    out.plaintext = std::move(secret.plaintext);
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_TRY(store::principals::find(tx, principal_id).status());
        IMGSRV_ASSIGN(out.token.created, tx.now());
        if (request.expires <= out.token.created)
            return {Code::invalid_argument, "expires_at " + format_rfc3339(request.expires) + " is not in the future"};
        return store::principals::insert_token(tx, out.token, secret.verifier);
    }));
    record(call, "API token issued", principal_id, "token_id", out.token.id);
    return out;
}

Result<domain::Page<domain::ApiToken>> AccessService::tokens(const ports::Call& call, std::string_view principal_id,
                                                             const domain::PageRequest& page) {
    return pool_.read(call, [&](Transaction& tx) -> Result<domain::Page<domain::ApiToken>> {
        IMGSRV_TRY(store::principals::find(tx, principal_id).status());
        return store::principals::tokens(tx, principal_id, page);
    });
}

Status AccessService::revoke_token(const ports::Call& call, std::string_view token_id) {
    IMGSRV_TRY(pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        return store::principals::revoke_token(tx, token_id, now);
    }));
    log::info("API token revoked", {{"request_id", call.request_id}, {"token_id", token_id}});
    return {};
}

Status AccessService::bootstrap(const ports::Call& call, const std::function<void(const std::string&)>& print) {
    const auto issuer =
        std::find_if(authenticators_.begin(), authenticators_.end(), [](const auto& a) { return a->can_issue(); });
    if (issuer == authenticators_.end()) return {};
    domain::Principal principal{new_uuid(), "service", "bootstrap", std::nullopt, {}, Time()};
    domain::ApiToken token;
    token.id = new_uuid();
    token.principal_id = principal.id;
    token.name = "bootstrap";
    IMGSRV_ASSIGN(const auto secret, (*issuer)->issue(call, token.id));
    return pool_.write(call, [&](Transaction& tx) -> Status {
        IMGSRV_ASSIGN(const Time now, tx.now());
        IMGSRV_ASSIGN(const bool managed, store::principals::has_live_auth_manager(tx, now));
        if (managed) return {};
        // Of several nodes that start together, one passes. The others wait here and then start over, before they print
        // a token that would never be valid.
        IMGSRV_TRY(store::principals::claim_bootstrap(tx));
        principal.created = token.created = now;
        token.expires = now + std::chrono::hours(24);
        IMGSRV_TRY(store::principals::insert(tx, principal));
        IMGSRV_TRY(store::principals::grant(tx, principal.id, "auth-manager", now));
        IMGSRV_TRY(store::principals::insert_token(tx, token, secret.verifier));
        print(secret.plaintext);
        return {};
    });
}

}  // namespace imgsrv::services
