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

// The table for a class with these members, called from several threads at once:
//     AuthAnswer authenticate(const Call&, const Credential&);  // throws: "cannot tell", never "yes"
// and, where it has them:
//     static constexpr std::uint32_t kTickIntervalMs = …;   void tick(const Call&);
//     IssuedToken issue(const Call&, std::string_view token_id);
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
