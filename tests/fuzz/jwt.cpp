// Tokens, key sets and URLs from untrusted clients: none does harm, and none counts as signed. The first byte chooses
// what the rest is.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "../unit/auth_oidc/signer.h"
#include "base64url.h"
#include "claims.h"
#include "issuer_url.h"
#include "jwt.h"
#include "key_set.h"
#include "rule.h"

using namespace imgsrv::oidc;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

// Public keys that nothing here can sign for.
const KeySet& keys() {
    static const KeySet kKeys = *KeySet::parse(R"({"keys":[
        {"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty":"RSA","kid":"rsa","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]})");
    return kKeys;
}

void judge(std::string_view token) {
    static_cast<void>(looks_like_jwt(token));
    auto parsed = parse_jwt(token);
    const auto* jwt = std::get_if<Jwt>(&parsed);
    if (!jwt) {
        require(!std::get<Refusal>(parsed).reason.empty());
        return;
    }
    const auto registered = RegisteredClaims::read(jwt->claims);
    if (const auto* claims = std::get_if<RegisteredClaims>(&registered)) {
        static_cast<void>(claims->complaint_at(1'700'000'000'000'000));
        static_cast<void>(claims->is_for("images"));
    }
    static_cast<void>(to_value(jwt->claims));
    for (const PublicKey* key : keys().candidates(jwt->key_id, jwt->algorithm))
        require(!key->verifies(jwt->algorithm, jwt->signed_part, jwt->signature));
}

// Header, payload and signature, each a line.
std::string token_of(std::string_view lines) {
    std::string token;
    for (int i = 0; i < 3; ++i) {
        const auto line = lines.substr(0, lines.find('\n'));
        const std::string part = encode_base64url(line);
        require(decode_base64url(part) == line);
        token += (i > 0 ? "." : "") + part;
        lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
    return token;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 't':
            judge(rest);
            break;
        case 'k':
            if (const auto set = KeySet::parse(rest)) static_cast<void>(set->candidates("", Algorithm::es256));
            break;
        case 'u':
            if (url_complaint(rest).empty()) require(rest.find('\n') == std::string_view::npos);
            static_cast<void>(key_url_complaint(rest, "https://issuer.example.org"));
            break;
        default:
            judge(token_of(rest));
    }
    return 0;
}
