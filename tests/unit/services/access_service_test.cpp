#include "services/access/access_service.h"

#include "services/access/token_registry.h"
#include "world/test_authenticator.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using namespace std::chrono_literals;
using domain::Action;
using Verdict = ports::Authenticator::Verdict;

namespace {

struct AccessWorld {
    AccessWorld() : service(world.pool, make()) {}

    std::vector<std::unique_ptr<ports::Authenticator>> make() {
        std::vector<std::unique_ptr<ports::Authenticator>> list;
        for (auto** one : {&first, &second}) {
            auto made = std::make_unique<TestAuthenticator>();
            *one = made.get();
            list.push_back(std::move(made));
        }
        return list;
    }
    std::string add_principal() {
        const auto made = service.create_principal(world.call, {"service", "robot", std::nullopt});
        REQUIRE(made.ok());
        return made->id;
    }
    Caller caller(const std::string& principal) {
        first->answer = accepted(principal);
        const auto found = service.authenticate(world.call, "Bearer x", "");
        REQUIRE(found.ok());
        return *found;
    }
    std::vector<std::string> bootstrap(AccessService& by) {
        std::vector<std::string> printed;
        const Status done = by.bootstrap(world.call, [&](const std::string& token) { printed.push_back(token); });
        INFO(done.describe());
        REQUIRE(done.ok());
        return printed;
    }

    World world;
    TestAuthenticator* first = nullptr;
    TestAuthenticator* second = nullptr;
    AccessService service;
};

}  // namespace

TEST_CASE("without credentials the caller is anonymous, and no plugin is asked") {
    AccessWorld w;
    const auto caller = w.service.authenticate(w.world.call, "", "");
    REQUIRE(caller.ok());
    CHECK(caller->anonymous());
    CHECK(AccessService::require(*caller, Action::content_write).code() == Code::unauthenticated);
    CHECK(w.first->asked == 0);
}

TEST_CASE("credentials go to the plugins in order, until one takes them") {
    AccessWorld w;
    CHECK(w.service.authenticate(w.world.call, "Bearer", "").status().code() == Code::unauthenticated);
    CHECK(w.first->asked == 0);
    SECTION("nobody does") {
        CHECK(w.service.authenticate(w.world.call, "Bearer   x y", "").status().code() == Code::unauthenticated);
        CHECK(w.first->scheme == "Bearer");
        CHECK(w.first->secret == "x y");
        CHECK(w.second->asked == 1);
    }
    SECTION("the first rejects: the second is not asked") {
        w.first->answer = ports::Authenticator::Answer{Verdict::rejected, {}};
        w.second->answer = accepted("p");
        CHECK(w.service.authenticate(w.world.call, "Bearer x", "").status().code() == Code::unauthenticated);
        CHECK(w.second->asked == 0);
    }
    SECTION("the first cannot tell: that is no yes, and no no") {
        w.first->answer = away();
        w.second->answer = accepted("p");
        CHECK(w.service.authenticate(w.world.call, "Bearer x", "").status().code() == Code::unavailable);
        CHECK(w.second->asked == 0);
    }
    SECTION("the second does") {
        w.second->answer = accepted("p");
        const auto caller = w.service.authenticate(w.world.call, "Bearer x", "");
        REQUIRE(caller.ok());
        CHECK(caller->principal_id == "p");
        CHECK_FALSE(caller->anonymous());
        CHECK(AccessService::require(*caller, Action::content_write).code() == Code::permission_denied);
    }
}

TEST_CASE("a caller may what the roles of now grant, and no more") {
    AccessWorld w;
    const auto id = w.add_principal();
    CHECK(w.caller(id).actions.empty());
    for (int i = 0; i < 2; ++i) CHECK(w.service.grant(w.world.call, id, "content-writer").ok());
    CHECK(AccessService::require(w.caller(id), Action::content_write).ok());
    CHECK(AccessService::require(w.caller(id), Action::auth_manage).code() == Code::permission_denied);
    CHECK(w.service.principal(w.world.call, id)->role_ids == std::vector<std::string>{"content-writer"});
    for (int i = 0; i < 2; ++i) CHECK(w.service.revoke_role(w.world.call, id, "content-writer").ok());
    CHECK(w.caller(id).actions.empty());
}

TEST_CASE("a database that is away lets nobody in") {
    AccessWorld w;
    const auto id = w.add_principal();
    CHECK(w.service.grant(w.world.call, id, "auth-manager").ok());
    w.first->answer = accepted(id);
    w.world.database.faults().fail(DatabaseCall::begin_read);
    CHECK(w.service.authenticate(w.world.call, "Bearer x", "").status().code() == Code::unavailable);
}

TEST_CASE("roles and principals that do not exist are refused by name") {
    AccessWorld w;
    const auto id = w.add_principal();
    CHECK(w.service.grant(w.world.call, id, "root").code() == Code::not_found);
    CHECK(w.service.grant(w.world.call, "nobody", "auth-manager").code() == Code::not_found);
    CHECK(w.service.revoke_role(w.world.call, id, "root").code() == Code::not_found);
    CHECK(w.service.revoke_role(w.world.call, "nobody", "auth-manager").code() == Code::not_found);
    CHECK(w.service.principal(w.world.call, "nobody").status().code() == Code::not_found);
    CHECK(w.service.create_principal(w.world.call, {"robot", "x", {}}).status().code() == Code::invalid_argument);
    CHECK(w.service.create_principal(w.world.call, {"user", "", {}}).status().code() == Code::invalid_argument);
    CHECK(w.service.principals(w.world.call, {})->items.size() == 1);
}

TEST_CASE("a grant or a principal that was not committed is none") {
    AccessWorld w;
    const auto id = w.add_principal();
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(w.service.grant(w.world.call, id, "auth-manager").ok());
    CHECK(w.caller(id).actions.empty());
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(w.service.create_principal(w.world.call, {"user", "x", {}}).ok());
    CHECK(w.service.principals(w.world.call, {})->items.size() == 1);
}

TEST_CASE("a token is found until it is revoked") {
    AccessWorld w;
    TokenRegistry registry(w.world.pool);
    const auto id = w.add_principal();
    const auto issued = w.service.issue_token(w.world.call, id, {"laptop", w.world.clock.now() + 1h});
    REQUIRE(issued.ok());
    CHECK(issued->plaintext == "secret-" + issued->token.id);
    const auto found = registry.find_token(w.world.call, issued->token.id);
    REQUIRE(found.ok());
    CHECK(found->principal_id == id);
    CHECK(found->verifier == "verifier");
    CHECK(found->expires == w.world.clock.now() + 1h);
    CHECK(w.service.tokens(w.world.call, id, {})->items.size() == 1);

    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(w.service.revoke_token(w.world.call, issued->token.id).ok());
    CHECK(registry.find_token(w.world.call, issued->token.id).ok());
    CHECK(w.service.revoke_token(w.world.call, issued->token.id).ok());
    CHECK(registry.find_token(w.world.call, issued->token.id).status().code() == Code::not_found);
    const auto revoked = w.service.tokens(w.world.call, id, {})->items[0].revoked;
    w.world.clock.advance(1s);
    CHECK(w.service.revoke_token(w.world.call, issued->token.id).ok());
    CHECK(w.service.tokens(w.world.call, id, {})->items[0].revoked == revoked);
    CHECK(w.service.revoke_token(w.world.call, "none").code() == Code::not_found);
}

TEST_CASE("a token that cannot be issued leaves no row") {
    AccessWorld w;
    const auto id = w.add_principal();
    const Time now = w.world.clock.now();
    CHECK(w.service.issue_token(w.world.call, id, {{}, now}).status().code() == Code::invalid_argument);
    CHECK(w.service.issue_token(w.world.call, "nobody", {{}, now + 1h}).status().code() == Code::not_found);
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK(w.service.issue_token(w.world.call, id, {{}, now + 1h}).status().code() == Code::unavailable);
    w.first->issues = w.second->issues = false;
    CHECK(w.service.issue_token(w.world.call, id, {{}, now + 1h}).status().code() == Code::failed_precondition);
    CHECK(w.world.number("SELECT COUNT(*) FROM api_tokens") == 0);
    w.second->issues = true;
    CHECK(w.service.issue_token(w.world.call, id, {{}, now + 1us}).ok());
}

TEST_CASE("a token's time of use is written once in a minute, and its failure stops nobody") {
    AccessWorld w;
    const auto id = w.add_principal();
    const auto token = w.service.issue_token(w.world.call, id, {{}, w.world.clock.now() + 1h})->token.id;
    const auto used = [&] { return w.service.tokens(w.world.call, id, {})->items[0].last_used; };
    TokenRegistry failing(w.world.pool);
    w.world.database.faults().fail(DatabaseCall::commit);
    failing.token_used(w.world.call, token);
    CHECK_FALSE(used());
    TokenRegistry registry(w.world.pool);
    registry.token_used(w.world.call, token);
    const auto first = used();
    CHECK(first == w.world.clock.now());
    w.world.clock.advance(59s);
    registry.token_used(w.world.call, token);
    TokenRegistry(w.world.pool).token_used(w.world.call, token);
    CHECK(used() == first);
    w.world.clock.advance(1s);
    TokenRegistry(w.world.pool).token_used(w.world.call, token);
    CHECK(used() == w.world.clock.now());
}

TEST_CASE("a token is printed at the start as long as nobody can manage access") {
    AccessWorld w;
    const auto printed = w.bootstrap(w.service);
    REQUIRE(printed.size() == 1);
    const auto token = printed[0].substr(std::string("secret-").size());
    CHECK(w.world.text("SELECT role_id FROM principal_roles") == "auth-manager");
    CHECK(w.bootstrap(w.service).empty());
    SECTION("it has run out") {
        w.world.clock.advance(24h - 1us);
        CHECK(w.bootstrap(w.service).empty());
        w.world.clock.advance(1us);
    }
    SECTION("it was revoked") {
        CHECK(w.service.revoke_token(w.world.call, token).ok());
    }
    SECTION("its role was taken") {
        const auto id = w.world.text("SELECT principal_id FROM principal_roles");
        CHECK(w.service.revoke_role(w.world.call, id, "auth-manager").ok());
    }
    CHECK(w.bootstrap(w.service).size() == 1);
}

TEST_CASE("a first token that was not committed is printed anew") {
    AccessWorld w;
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(w.service.bootstrap(w.world.call, [](const std::string&) {}).ok());
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 0);
    CHECK(w.bootstrap(w.service).size() == 1);
}

TEST_CASE("of two nodes that start together one prints a token") {
    AccessWorld w;
    std::vector<std::unique_ptr<ports::Authenticator>> authenticators;
    authenticators.push_back(std::make_unique<TestAuthenticator>());
    AccessService other(w.world.other, std::move(authenticators));
    std::size_t theirs = 0;
    w.world.database.faults().before(DatabaseCall::begin_write, [&] {
        theirs = w.bootstrap(other).size();
        return Status();
    });
    CHECK(w.bootstrap(w.service).empty());
    CHECK(theirs == 1);
}

TEST_CASE("where no plugin issues tokens none is made at the start") {
    AccessWorld w;
    w.first->issues = w.second->issues = false;
    CHECK(w.bootstrap(w.service).empty());
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 0);
}
