// auth.h - components of kind IMGSRV_KIND_AUTH. They say who is calling; what the caller may do is the host's alone.
// The rules A1 and following of sdk/ABI.md apply.
#ifndef IMGSRV_AUTH_H
#define IMGSRV_AUTH_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a request showed.
typedef struct imgsrv_credential {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str scheme;  // as sent: "Bearer"; compare without regard to case
    imgsrv_str secret;  // what followed it; never log or keep it
    imgsrv_str peer;    // the client's address, for the log
} imgsrv_credential;

// Who is calling.
typedef struct imgsrv_principal {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str subject;  // not empty; unique and stable within its issuer
    imgsrv_str issuer;   // empty: subject is the id of one of the host's own principals
    imgsrv_str display;  // a name for people; may be empty
    int64_t expires_us;  // when this answer ends, microseconds since 1970 UTC; 0: it does not
    const imgsrv_kv* claims;
    size_t n_claims;  // a key may repeat ("scope"); the host maps claims to roles
} imgsrv_principal;

typedef struct imgsrv_principal_sink {
    void* ctx;
    void (*set)(void* ctx, const imgsrv_principal* p) IMGSRV_NOEXCEPT;
} imgsrv_principal_sink;

enum {
    IMGSRV_AUTH_NOT_MINE = 0,  // not this component's form of credential; the next one is asked
    IMGSRV_AUTH_ACCEPTED = 1,
    IMGSRV_AUTH_REJECTED = 2  // its form, and not valid; no other is asked and the request is refused
};

typedef struct imgsrv_auth {
    uint32_t struct_size;
    uint32_t tick_interval_ms;  // how often tick() wants to be called; 0: never

    // The verdict on one credential. For ACCEPTED, out->set is called exactly once before. A code other than OK means
    // that no verdict is possible (the request gets 503 and may be repeated); it never means yes or no. Runs for every
    // request that shows a credential: keep it fast, and do slow work in tick(). [worker]
    imgsrv_code (*authenticate)(void* self, const imgsrv_call* call, const imgsrv_credential* credential,
                                int32_t* ret_verdict, imgsrv_principal_sink* out, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Work in the background, such as fetching an issuer's keys. A failure is logged, and tried again at the next tick.
    // NULL when tick_interval_ms is 0. [worker], one at a time
    imgsrv_code (*tick)(void* self, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_auth;

// Extension of a component that issues secrets of its own, such as bearer tokens.
#define IMGSRV_EXT_AUTH_TOKEN_ISSUER "imgsrv.auth.token_issuer/1"
typedef struct imgsrv_ext_auth_token_issuer {
    uint32_t struct_size;
    uint32_t reserved;
    // Draws a new secret for the token `token_id`, which is a UUID the host chose. Both sinks are called once. The host
    // shows the plaintext to the user once and does not keep it; it keeps the verifier beside the id and hands it back
    // through the token store. [worker]
    imgsrv_code (*issue)(void* self, const imgsrv_call* call, imgsrv_str token_id, imgsrv_str_sink* plaintext,
                         imgsrv_str_sink* verifier, imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_ext_auth_token_issuer;

// Service of the host: what it knows of issued tokens.
#define IMGSRV_SERVICE_TOKEN_STORE "imgsrv.token_store/1"

typedef struct imgsrv_token_record {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str token_id;
    imgsrv_str verifier;      // as issue() gave it
    imgsrv_str principal_id;  // whose token it is: the subject of the answer
    imgsrv_str display;
    int64_t expires_us;  // microseconds since 1970 UTC; 0: never
} imgsrv_token_record;

typedef struct imgsrv_token_sink {
    void* ctx;
    void (*set)(void* ctx, const imgsrv_token_record* t) IMGSRV_NOEXCEPT;
} imgsrv_token_sink;

typedef struct imgsrv_token_store {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    // Calls out->set once with the token's record, expired or not. NOT_FOUND: there is no such token, or it was
    // revoked. [worker]
    imgsrv_code (*find)(void* ctx, const imgsrv_call* call, imgsrv_str token_id, imgsrv_token_sink* out,
                        imgsrv_error* err) IMGSRV_NOEXCEPT;
    // The token was accepted just now; the host keeps the time. [worker]
    void (*used)(void* ctx, const imgsrv_call* call, imgsrv_str token_id) IMGSRV_NOEXCEPT;
} imgsrv_token_store;

// ---- Rules: callers of other issuers ----

// A rule of the host: a caller is let in with a valid token of this issuer for this audience whose claims fulfil the
// condition. What that permits is for the host alone to say.
typedef struct imgsrv_auth_rule {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str id;
    imgsrv_str issuer;    // its URL, exactly as tokens have it
    imgsrv_str audience;  // never empty; a token that is not meant for it is not let in, whatever the condition says
    const imgsrv_str* claims;  // names of the claims that the condition may see
    size_t n_claims;
    imgsrv_str condition;  // in the component's own language
} imgsrv_auth_rule;

// Called once for each rule.
typedef struct imgsrv_auth_rule_sink {
    void* ctx;
    void (*add)(void* ctx, const imgsrv_auth_rule* rule) IMGSRV_NOEXCEPT;
} imgsrv_auth_rule_sink;

// Extension of a component that lets callers in by the rules of the host. For ACCEPTED its principal has a claim
// IMGSRV_CLAIM_RULE for each rule that lets the caller in, with the rule's id as value; there may be none, when the
// token is valid for the audience of some rule and no condition holds. The other claims are those that these rules
// name, each with its JSON text as value.
#define IMGSRV_EXT_AUTH_RULES "imgsrv.auth.rules/1"
#define IMGSRV_CLAIM_RULE "imgsrv:rule"
typedef struct imgsrv_ext_auth_rules {
    uint32_t struct_size;
    uint32_t reserved;
    // Whether a rule can be kept. INVALID_ARGUMENT: the message begins with the member that is wrong, "issuer_url: …"
    // or "condition: line 1, column 8: …". The rule's id may be empty. [worker]
    imgsrv_code (*check)(void* self, const imgsrv_call* call, const imgsrv_auth_rule* rule,
                         imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Whether the rule's condition holds for these claims, one JSON object; the rule need not be one of the store. 0
    // also when the condition cannot be evaluated. [worker]
    imgsrv_code (*holds)(void* self, const imgsrv_call* call, const imgsrv_auth_rule* rule, imgsrv_str claims,
                         int32_t* ret_holds, imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_ext_auth_rules;

// Service of the host: the rules that are in force.
#define IMGSRV_SERVICE_RULE_STORE "imgsrv.rule_store/1"
typedef struct imgsrv_rule_store {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    // A number that differs after every change of the rules, made by any node. Ask before every verdict: a change holds
    // from the next request on. [worker]
    imgsrv_code (*generation)(void* ctx, const imgsrv_call* call, int64_t* ret_generation,
                              imgsrv_error* err) IMGSRV_NOEXCEPT;
    // All rules in force and their generation, from one snapshot. [worker]
    imgsrv_code (*list)(void* ctx, const imgsrv_call* call, imgsrv_auth_rule_sink* out, int64_t* ret_generation,
                        imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_rule_store;

#ifdef __cplusplus
}
#endif
#endif
