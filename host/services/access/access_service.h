#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/page.h"
#include "domain/principal.h"
#include "ports/authenticator.h"
#include "store/pool.h"

namespace imgsrv::services {

// Who makes a request and what they may do.
struct Caller {
    // Empty when it is anonymous, or known to its issuer alone: a valid token that no rule lets in.
    std::string principal_id;
    std::vector<domain::Action> actions;
    bool identified = false;  // valid credentials were shown

    bool anonymous() const { return !identified; }
    bool may(domain::Action action) const;
};

struct NewPrincipal {
    std::string kind;
    std::string display_name;
    std::optional<std::string> attributes;  // a JSON object
};

struct NewToken {
    std::optional<std::string> name;
    Time expires;
};

// Authentication through the configured plugins, authorization by the host alone, and the management of principals,
// their roles and their API tokens.
class AccessService {
  public:
    AccessService(store::Pool& pool, std::vector<std::unique_ptr<ports::Authenticator>> authenticators);

    // authorization: the header's value, empty when there is none (anonymous).
    // unauthenticated: no plugin accepts it. unavailable: a plugin could not tell.
    Result<Caller> authenticate(const ports::Call& call, std::string_view authorization, std::string_view peer);
    // unauthenticated for an anonymous caller, permission_denied for one without the role.
    static Status require(const Caller& caller, domain::Action action);

    Result<domain::Principal> create_principal(const ports::Call& call, const NewPrincipal& request);
    Result<domain::Principal> principal(const ports::Call& call, std::string_view id);
    Result<domain::Page<domain::Principal>> principals(const ports::Call& call, const domain::PageRequest& page);
    // Each is safe to repeat.
    Status grant(const ports::Call& call, std::string_view principal_id, std::string_view role_id);
    Status revoke_role(const ports::Call& call, std::string_view principal_id, std::string_view role_id);

    struct Issued {
        domain::ApiToken token;
        std::string plaintext;  // leaves the process once
    };
    Result<Issued> issue_token(const ports::Call& call, std::string_view principal_id, const NewToken& request);
    Result<domain::Page<domain::ApiToken>> tokens(const ports::Call& call, std::string_view principal_id,
                                                  const domain::PageRequest& page);
    Status revoke_token(const ports::Call& call, std::string_view token_id);

    // If nobody can manage access: creates an auth manager with a token that lives 24 hours, and prints the token. It
    // prints before it commits: if the process dies in between, the next start prints another token, while a token
    // committed but not printed would lock everybody out for a day.
    Status bootstrap(const ports::Call& call, const std::function<void(const std::string&)>& print);

    const std::vector<std::unique_ptr<ports::Authenticator>>& authenticators() const { return authenticators_; }

  private:
    Result<Caller> admit(const ports::Call& call, const ports::Identity& identity);

    store::Pool& pool_;
    std::vector<std::unique_ptr<ports::Authenticator>> authenticators_;
};

}  // namespace imgsrv::services
