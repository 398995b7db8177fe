#pragma once

#include <imgsrv/imgsrv.hpp>
#include <string_view>

namespace imgsrv::bearer {

// Knows the tokens that imgsrv issues itself. The host keeps them; this class makes and recognises them. None of its
// messages or log lines holds a secret. [any]
class Authenticator {
  public:
    explicit Authenticator(const sdk::Setup& setup) : tokens_(setup.host) {}

    // NOT_MINE: not of the scheme Bearer, or without the prefix of these tokens. Throws when the token store cannot
    // tell.
    sdk::AuthAnswer authenticate(const sdk::Call& call, const sdk::Credential& credential) const;

    // token_id: a UUID. The plaintext is returned once, here.
    sdk::IssuedToken issue(const sdk::Call& call, std::string_view token_id) const;

  private:
    sdk::TokenStore tokens_;
};

}  // namespace imgsrv::bearer
