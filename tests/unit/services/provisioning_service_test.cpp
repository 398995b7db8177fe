#include "services/access/provisioning_service.h"

#include "services/access/access_service.h"
#include "services/access/rule_registry.h"
#include "world/test_authenticator.h"
#include "world/world.h"

using namespace imgsrv;
using namespace imgsrv::services;
using namespace imgsrv::test;
using domain::Action;

namespace {

struct ProvisioningWorld {
    ProvisioningWorld() : access(world.pool, make()), service(world.pool, access.authenticators()) {}

    std::vector<std::unique_ptr<ports::Authenticator>> make() {
        std::vector<std::unique_ptr<ports::Authenticator>> list;
        auto made = std::make_unique<TestAuthenticator>();
        authenticator = made.get();
        list.push_back(std::move(made));
        return list;
    }
    static domain::ProvisioningRule draft(const std::string& id = "") {
        domain::ProvisioningRule rule;
        rule.id = id;
        rule.display_name = "CI";
        rule.issuer_url = "https://issuer";
        rule.audience = "imgsrv";
        rule.forwarded_claims = {"sub"};
        rule.condition = "true";
        rule.enabled = true;
        return rule;
    }
    std::string add(const std::string& id = "") {
        const auto made = service.create(world.call, draft(id));
        INFO(made.status().describe());
        REQUIRE(made.ok());
        return made->id;
    }
    void change(const std::string& id, const std::function<void(domain::ProvisioningRule&)>& how) {
        auto rule = draft(id);
        how(rule);
        REQUIRE(service.update(world.call, rule).ok());
    }
    // Who shows a token that these rules accept.
    Result<Caller> show(const std::string& subject, std::vector<std::string> rules) {
        auto answer = accepted(subject, "https://issuer", std::move(rules));
        answer.identity.claims = {{"sub", "\"" + subject + "\""}, {"other", "1"}};
        authenticator->answer = answer;
        return access.authenticate(world.call, "Bearer x", "");
    }
    bool may_write(const std::string& subject, std::vector<std::string> rules) {
        const auto caller = show(subject, std::move(rules));
        INFO(caller.status().describe());
        REQUIRE(caller.ok());
        return caller->may(Action::content_write);
    }

    World world;
    TestAuthenticator* authenticator = nullptr;
    AccessService access;
    ProvisioningService service;
};

}  // namespace

TEST_CASE("a rule is made, changed and removed, and every change moves the generation") {
    ProvisioningWorld w;
    RuleRegistry registry(w.world.pool);
    const auto generation = [&] { return registry.generation(w.world.call).value(); };
    const auto before = generation();
    const auto id = w.add();
    CHECK(generation() == before + 1);
    CHECK(registry.rules_in_force(w.world.call)->rules.size() == 1);
    w.change(id, [](auto& rule) { rule.enabled = false; });
    CHECK(generation() == before + 2);
    CHECK(registry.rules_in_force(w.world.call)->rules.empty());
    CHECK(registry.rules_in_force(w.world.call)->generation == before + 2);
    CHECK(w.service.remove(w.world.call, id).ok());
    CHECK(generation() == before + 3);
    CHECK(w.service.remove(w.world.call, id).code() == Code::not_found);
    CHECK(w.service.rule(w.world.call, id).status().code() == Code::not_found);
    CHECK(w.service.update(w.world.call, ProvisioningWorld::draft(id)).status().code() == Code::not_found);
}

TEST_CASE("a rule that is wrong is not kept") {
    ProvisioningWorld w;
    const auto create = [&](const std::function<void(domain::ProvisioningRule&)>& how) {
        auto rule = ProvisioningWorld::draft();
        how(rule);
        return w.service.create(w.world.call, rule).status().code();
    };
    CHECK(create([](auto& rule) { rule.display_name = ""; }) == Code::invalid_argument);
    CHECK(create([](auto& rule) { rule.issuer_url = ""; }) == Code::invalid_argument);
    CHECK(create([](auto& rule) { rule.audience = ""; }) == Code::invalid_argument);
    CHECK(create([](auto& rule) { rule.forwarded_claims = {"a", "a"}; }) == Code::invalid_argument);
    CHECK(create([](auto& rule) { rule.condition = std::string("a\0b", 3); }) == Code::invalid_argument);
    w.authenticator->rule_check = Status(Code::invalid_argument, "condition: no");
    CHECK(create([](auto&) {}) == Code::invalid_argument);
    w.authenticator->rule_check = {};
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK(create([](auto&) {}) == Code::unavailable);
    CHECK(w.service.rules(w.world.call, {})->items.empty());
    w.add("mine");
    CHECK(w.service.create(w.world.call, ProvisioningWorld::draft("mine")).status().code() == Code::already_exists);
}

TEST_CASE("there are a hundred rules at most") {
    ProvisioningWorld w;
    for (std::size_t i = 1; i < domain::kMaxRules; ++i)
        w.world.exec("INSERT INTO provisioning_rules VALUES ($1, 'd', 'i', 'a', '[]', 'true', 1, 0, 0)",
                     {std::to_string(i)});
    w.add();
    CHECK(w.service.create(w.world.call, ProvisioningWorld::draft()).status().code() == Code::failed_precondition);
}

TEST_CASE("without a plugin that takes rules there is none") {
    World world;
    const ProvisioningService::Authenticators nobody;
    ProvisioningService service(world.pool, nobody);
    CHECK(service.create(world.call, ProvisioningWorld::draft()).status().code() == Code::failed_precondition);
}

TEST_CASE("a rule in force lets its callers write, as one principal each") {
    ProvisioningWorld w;
    const auto rule = w.add();
    CHECK(w.may_write("ann", {rule}));
    CHECK(w.may_write("ann", {rule}));
    CHECK(w.may_write("bob", {rule}));
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 2);
    CHECK(w.world.text("SELECT claims FROM rule_grants ORDER BY claims LIMIT 1") == R"({"sub":"ann"})");
    const auto ann = w.show("ann", {rule})->principal_id;
    CHECK(w.access.principal(w.world.call, ann)->role_ids == std::vector<std::string>{"content-writer"});
}

TEST_CASE("what the authenticator took for a rule in force is looked at again") {
    ProvisioningWorld w;
    const auto rule = w.add();
    SECTION("disabled") {
        w.change(rule, [](auto& r) { r.enabled = false; });
    }
    SECTION("gone") {
        CHECK(w.service.remove(w.world.call, rule).ok());
    }
    SECTION("of another issuer by now") {
        w.change(rule, [](auto& r) { r.issuer_url = "https://other"; });
    }
    CHECK_FALSE(w.may_write("ann", {rule}));
    CHECK(w.show("ann", {rule})->principal_id.empty());
    CHECK_FALSE(w.show("ann", {rule})->anonymous());
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 0);
}

TEST_CASE("a grant is no right of its own: without its rule only roles given by hand count") {
    ProvisioningWorld w;
    const auto rule = w.add();
    const auto ann = w.show("ann", {rule})->principal_id;
    w.change(rule, [](auto& r) { r.enabled = false; });
    CHECK_FALSE(w.may_write("ann", {rule}));
    CHECK(w.access.grant(w.world.call, ann, "auth-manager").ok());
    CHECK(w.show("ann", {})->may(Action::auth_manage));
    CHECK_FALSE(w.show("ann", {})->may(Action::content_write));
}

TEST_CASE("a principal that could not be recorded is not let in") {
    ProvisioningWorld w;
    const auto rule = w.add();
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK(w.show("ann", {rule}).status().code() == Code::unavailable);
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 0);
    w.world.database.faults().fail_after(DatabaseCall::commit);
    CHECK_FALSE(w.show("ann", {rule}).ok());
    CHECK(w.may_write("ann", {rule}));
    CHECK(w.world.number("SELECT COUNT(*) FROM principals") == 1);
}

TEST_CASE("a grant is recorded again when the token says something else, once in a minute") {
    ProvisioningWorld w;
    const auto rule = w.add();
    CHECK(w.may_write("ann", {rule}));
    w.change(rule, [](auto& r) { r.forwarded_claims = {"other"}; });
    const auto claims = [&] {
        CHECK(w.may_write("ann", {rule}));
        return w.world.text("SELECT claims FROM rule_grants");
    };
    CHECK(claims() == R"({"sub":"ann"})");
    w.world.exec("UPDATE rule_grants SET seen_us = seen_us - 61000000");
    CHECK(claims() == R"({"other":1})");
}

TEST_CASE("reconciling takes the role from those whom the rule lets in no more") {
    ProvisioningWorld w;
    const auto rule = w.add();
    const auto ann = w.show("ann", {rule})->principal_id;
    CHECK(w.service.reconcile(w.world.call, rule, true)->principals.empty());
    SECTION("disabled") {
        w.change(rule, [](auto& r) { r.enabled = false; });
    }
    SECTION("of another audience") {
        w.change(rule, [](auto& r) { r.audience = "other"; });
    }
    SECTION("of another issuer") {
        w.change(rule, [](auto& r) { r.issuer_url = "https://other"; });
    }
    SECTION("of another condition") {
        w.change(rule, [](auto& r) { r.condition = "false"; });
    }
    SECTION("gone") {
        CHECK(w.service.remove(w.world.call, rule).ok());
    }
    const auto roles = [&] { return w.access.principal(w.world.call, ann)->role_ids.size(); };
    const auto preview = w.service.reconcile(w.world.call, rule, false);
    REQUIRE(preview->principals.size() == 1);
    CHECK(preview->principals[0].id == ann);
    CHECK_FALSE(preview->applied);
    CHECK(roles() == 1);
    w.world.database.faults().fail(DatabaseCall::commit);
    CHECK_FALSE(w.service.reconcile(w.world.call, rule, true).ok());
    CHECK(roles() == 1);
    const auto applied = w.service.reconcile(w.world.call, rule, true);
    REQUIRE(applied->principals.size() == 1);
    CHECK(applied->principals[0].role_ids.empty());
    CHECK(roles() == 0);
}

TEST_CASE("a grant that is renewed while the rule is reconciled stays") {
    ProvisioningWorld w;
    const auto rule = w.add();
    CHECK(w.may_write("ann", {rule}));
    w.change(rule, [](auto& r) { r.condition = "false"; });
    w.world.database.faults().before(DatabaseCall::begin_write, [&] {
        w.world.exec("UPDATE rule_grants SET seen_us = seen_us + 1");
        return Status();
    });
    CHECK(w.service.reconcile(w.world.call, rule, true).ok());
    CHECK(w.world.number("SELECT COUNT(*) FROM rule_grants") == 1);
}

TEST_CASE("a rule that never was has nothing to reconcile") {
    ProvisioningWorld w;
    CHECK(w.service.reconcile(w.world.call, "none", true).status().code() == Code::not_found);
}

TEST_CASE("taking the role by hand takes what rules have granted, too") {
    ProvisioningWorld w;
    const auto rule = w.add();
    const auto ann = w.show("ann", {rule})->principal_id;
    CHECK(w.access.revoke_role(w.world.call, ann, "auth-manager").ok());
    CHECK(w.world.number("SELECT COUNT(*) FROM rule_grants") == 1);
    CHECK(w.access.revoke_role(w.world.call, ann, "content-writer").ok());
    CHECK(w.world.number("SELECT COUNT(*) FROM rule_grants") == 0);
}
