#pragma once

#include <map>
#include <string>

#include "ports/authenticator.h"

namespace imgsrv::test {

// An authenticator that answers what a test says; by default every credential is somebody else's. It issues tokens
// "secret-<id>" and takes rules; a rule holds as long as its condition is "true".
class TestAuthenticator final : public ports::Authenticator {
  public:
    Result<Answer> answer = Answer{};
    bool issues = true;
    Status rule_check;
    unsigned asked = 0;
    std::string scheme, secret;

    std::string_view name() const override { return "test"; }
    Result<Answer> authenticate(const ports::Call&, const ports::Credential& credential) override {
        ++asked;
        scheme = credential.scheme;
        secret = credential.secret;
        return answer;
    }
    Status health(const ports::Call&) override { return {}; }
    bool can_issue() const override { return issues; }
    Result<Issued> issue(const ports::Call&, std::string_view token_id) override {
        return Issued{"secret-" + std::string(token_id), "verifier"};
    }
    bool takes_rules() const override { return true; }
    Status check_rule(const ports::Call&, const ports::Rule&) override { return rule_check; }
    Result<bool> rule_holds(const ports::Call&, const ports::Rule& rule, std::string_view) override {
        return rule.condition == "true";
    }
    std::chrono::milliseconds tick_interval() const override { return std::chrono::milliseconds(0); }
    Status tick(const ports::Call&) override { return {}; }
};

inline ports::Authenticator::Answer accepted(std::string subject, std::string issuer = "",
                                             std::vector<std::string> rules = {}) {
    ports::Authenticator::Answer answer;
    answer.verdict = ports::Authenticator::Verdict::accepted;
    answer.identity.subject = std::move(subject);
    answer.identity.issuer = std::move(issuer);
    answer.identity.rule_ids = std::move(rules);
    return answer;
}

}  // namespace imgsrv::test
