#include "authenticator.h"

#include <strings.h>

#include <chrono>
#include <utility>

#include "token.h"

namespace imgsrv::bearer {
namespace {

// RFC 9110, section 11.1: the name of a scheme has no case.
bool is_bearer(std::string_view scheme) {
    constexpr std::string_view kBearer = "bearer";
    return scheme.size() == kBearer.size() && strncasecmp(scheme.data(), kBearer.data(), kBearer.size()) == 0;
}

std::int64_t now_us() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

sdk::AuthAnswer Authenticator::authenticate(const sdk::Call& call, const sdk::Credential& credential) const {
    if (!is_bearer(credential.scheme) || !credential.secret.starts_with(kPrefix)) return {IMGSRV_AUTH_NOT_MINE, {}};
    const auto token = Token::parse(credential.secret);
    if (!token) return {IMGSRV_AUTH_REJECTED, {}};
    auto record = tokens_.find(call, token->id);
    if (!record || !matches(token->secret, record->verifier)) return {IMGSRV_AUTH_REJECTED, {}};
    if (record->expires_us != 0 && record->expires_us <= now_us()) return {IMGSRV_AUTH_REJECTED, {}};

    tokens_.used(call, token->id);
    sdk::Principal principal;
    principal.subject = std::move(record->principal_id);
    principal.display = std::move(record->display);
    principal.expires_us = record->expires_us;
    return {IMGSRV_AUTH_ACCEPTED, std::move(principal)};
}

sdk::IssuedToken Authenticator::issue(const sdk::Call&, std::string_view token_id) const {
    const std::string secret = new_secret();
    auto plaintext = compose(token_id, secret);
    if (!plaintext) throw sdk::Failure(IMGSRV_INVALID_ARGUMENT, "the token id is not a lower-case UUID");
    return {std::move(*plaintext), verifier_of(secret)};
}

}  // namespace imgsrv::bearer
