// An authenticator as a C++ class; ../auth.h says what each function must promise.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../auth.h"
#include "component.hpp"

namespace imgsrv::sdk {

struct Credential {
    std::string_view scheme, secret, peer;
};

struct Principal {
    std::string subject, issuer, display;
    std::int64_t expires_us = 0;  // 0: never
    std::vector<std::pair<std::string, std::string>> claims;
};

// IMGSRV_AUTH_NOT_MINE, or REJECTED, or ACCEPTED with the principal.
struct AuthAnswer {
    std::int32_t verdict = IMGSRV_AUTH_NOT_MINE;
    Principal principal;
};

struct IssuedToken {
    std::string plaintext;  // for the user, once
    std::string verifier;   // what the host keeps
};

struct TokenRecord {
    std::string token_id, verifier, principal_id, display;
    std::int64_t expires_us = 0;
};

// The host's token store. [worker]
class TokenStore {
  public:
    // Throws FAILED_PRECONDITION when this host has none.
    explicit TokenStore(const Host& host) : raw_(host.service<imgsrv_token_store>(IMGSRV_SERVICE_TOKEN_STORE)) {
        if (!raw_) throw Failure(IMGSRV_FAILED_PRECONDITION, "this host offers no token store");
    }

    // None: no such token, or it was revoked.
    std::optional<TokenRecord> find(const Call& call, std::string_view token_id) const {
        struct Found {
            TokenRecord record;
            bool failed = false;
        } found;
        imgsrv_token_sink sink{&found, [](void* ctx, const imgsrv_token_record* t) noexcept {
                                   auto& f = *static_cast<Found*>(ctx);
                                   f.failed =
                                       guarded(nullptr, [&] {
                                           f.record = {std::string(view(t->token_id)), std::string(view(t->verifier)),
                                                       std::string(view(t->principal_id)),
                                                       std::string(view(t->display)), t->expires_us};
                                       }) != IMGSRV_OK;
                               }};
        imgsrv_error err{};
        const imgsrv_code code = raw_->find(raw_->ctx, call.raw(), str(token_id), &sink, &err);
        if (code == IMGSRV_NOT_FOUND) return std::nullopt;
        check(code, err);
        if (found.failed) throw std::bad_alloc();
        return std::move(found.record);
    }

    // The token was accepted just now.
    void used(const Call& call, std::string_view token_id) const noexcept {
        raw_->used(raw_->ctx, call.raw(), str(token_id));
    }

  private:
    const imgsrv_token_store* raw_;
};

// A rule of the host; see imgsrv_auth_rule.
struct Rule {
    std::string id, issuer, audience;
    std::vector<std::string> claims;
    std::string condition;

    bool operator==(const Rule&) const = default;

    static Rule copy_of(const imgsrv_auth_rule& raw) {
        Rule rule{std::string(view(raw.id)),
                  std::string(view(raw.issuer)),
                  std::string(view(raw.audience)),
                  {},
                  std::string(view(raw.condition))};
        rule.claims.reserve(raw.n_claims);
        for (std::size_t i = 0; i < raw.n_claims; ++i) rule.claims.emplace_back(view(raw.claims[i]));
        return rule;
    }
};

struct RuleList {
    std::int64_t generation = 0;
    std::vector<Rule> rules;
};

// The host's rules. [worker]
class RuleStore {
  public:
    // Throws FAILED_PRECONDITION when this host has none.
    explicit RuleStore(const Host& host) : raw_(host.service<imgsrv_rule_store>(IMGSRV_SERVICE_RULE_STORE)) {
        if (!raw_) throw Failure(IMGSRV_FAILED_PRECONDITION, "this host offers no rule store");
    }

    std::int64_t generation(const Call& call) const {
        std::int64_t generation = 0;
        imgsrv_error err{};
        check(raw_->generation(raw_->ctx, call.raw(), &generation, &err), err);
        return generation;
    }

    RuleList list(const Call& call) const {
        struct Found {
            RuleList list;
            bool failed = false;
        } found;
        imgsrv_auth_rule_sink sink{&found, [](void* ctx, const imgsrv_auth_rule* rule) noexcept {
                                       auto& f = *static_cast<Found*>(ctx);
                                       const auto keep = [&] { f.list.rules.push_back(Rule::copy_of(*rule)); };
                                       f.failed = f.failed || guarded(nullptr, keep) != IMGSRV_OK;
                                   }};
        imgsrv_error err{};
        check(raw_->list(raw_->ctx, call.raw(), &sink, &found.list.generation, &err), err);
        if (found.failed) throw std::bad_alloc();
        return std::move(found.list);
    }

  private:
    const imgsrv_rule_store* raw_;
};

// The table for a class with these members, called from several threads at once:
//     AuthAnswer authenticate(const Call&, const Credential&);  // throws: "cannot tell", never "yes"
// and, where it has them:
//     static constexpr std::uint32_t kTickIntervalMs = …;   void tick(const Call&);
//     IssuedToken issue(const Call&, std::string_view token_id);
//     void check_rule(const Call&, const Rule&);  bool rule_holds(const Call&, const Rule&, std::string_view claims);
template <class T>
struct AuthTable {
    static T& self(void* p) noexcept { return *static_cast<T*>(p); }

    static constexpr imgsrv_auth make() {
        imgsrv_auth a{};
        a.struct_size = sizeof a;
        a.authenticate = [](void* p, const imgsrv_call* call, const imgsrv_credential* c, std::int32_t* ret_verdict,
                            imgsrv_principal_sink* out, imgsrv_error* err) noexcept -> imgsrv_code {
            return guarded(err, [&] {
                const AuthAnswer answer =
                    self(p).authenticate(Call(call), Credential{view(c->scheme), view(c->secret), view(c->peer)});
                if (answer.verdict == IMGSRV_AUTH_ACCEPTED) {
                    const Principal& who = answer.principal;
                    std::vector<imgsrv_kv> claims;
                    claims.reserve(who.claims.size());
                    for (const auto& [key, value] : who.claims) claims.push_back({str(key), str(value)});
                    const imgsrv_principal principal{sizeof principal, 0,
                                                     str(who.subject), str(who.issuer),
                                                     str(who.display), who.expires_us,
                                                     claims.data(),    claims.size()};
                    out->set(out->ctx, &principal);
                }
                *ret_verdict = answer.verdict;
            });
        };
        if constexpr (requires(T & t, const Call& call) { t.tick(call); }) {
            a.tick_interval_ms = T::kTickIntervalMs;
            a.tick = [](void* p, const imgsrv_call* call, imgsrv_error* err) noexcept -> imgsrv_code {
                return guarded(err, [&] { self(p).tick(Call(call)); });
            };
        }
        return a;
    }
    static constexpr imgsrv_auth table = make();

    static const void* extension(const char* id) noexcept {
        if constexpr (requires(T & t, const Call& call) { t.issue(call, std::string_view()); }) {
            static constexpr imgsrv_ext_auth_token_issuer issuer = {
                .struct_size = sizeof issuer,
                .reserved = 0,
                .issue = [](void* p, const imgsrv_call* call, imgsrv_str token_id, imgsrv_str_sink* plaintext,
                            imgsrv_str_sink* verifier, imgsrv_error* err) noexcept -> imgsrv_code {
                    return guarded(err, [&] {
                        const IssuedToken token = self(p).issue(Call(call), view(token_id));
                        plaintext->set(plaintext->ctx, str(token.plaintext));
                        verifier->set(verifier->ctx, str(token.verifier));
                    });
                },
            };
            if (std::strcmp(id, IMGSRV_EXT_AUTH_TOKEN_ISSUER) == 0) return &issuer;
        }
        if constexpr (requires(T & t, const Call& call, const Rule& rule) { t.check_rule(call, rule); }) {
            static constexpr imgsrv_ext_auth_rules rules = {
                .struct_size = sizeof rules,
                .reserved = 0,
                .check = [](void* p, const imgsrv_call* call, const imgsrv_auth_rule* rule, imgsrv_error* err) noexcept
                -> imgsrv_code { return guarded(err, [&] { self(p).check_rule(Call(call), Rule::copy_of(*rule)); }); },
                .holds = [](void* p, const imgsrv_call* call, const imgsrv_auth_rule* rule, imgsrv_str claims,
                            std::int32_t* ret_holds, imgsrv_error* err) noexcept -> imgsrv_code {
                    return guarded(err, [&] {
                        *ret_holds = self(p).rule_holds(Call(call), Rule::copy_of(*rule), view(claims)) ? 1 : 0;
                    });
                },
            };
            if (std::strcmp(id, IMGSRV_EXT_AUTH_RULES) == 0) return &rules;
        }
        return nullptr;
    }
};

// For IMGSRV_PLUGIN. options: an OptionList, or kNoOptions.
template <class T>
constexpr imgsrv_component authenticator(const char* name, const imgsrv_option* const* options,
                                         std::uint32_t flags = 0) {
    return component<T>(IMGSRV_KIND_AUTH, name, options, &AuthTable<T>::table, flags, &AuthTable<T>::extension);
}

}  // namespace imgsrv::sdk
