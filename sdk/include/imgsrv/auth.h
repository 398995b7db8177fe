#ifndef IMGSRV_AUTH_H
#define IMGSRV_AUTH_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif
/* Plugins say who is calling; the host alone decides what the caller may do. */
typedef struct imgsrv_credential { uint32_t struct_size, reserved; imgsrv_str scheme, secret, peer; } imgsrv_credential;
typedef struct imgsrv_principal {
    uint32_t struct_size, reserved;
    imgsrv_str subject, issuer, display; /* issuer empty: subject is a principal id of the host */
    int64_t expires_us;
    const imgsrv_kv *claims; size_t n_claims; /* "scope" repeats; the host maps claims to roles */
} imgsrv_principal;
typedef struct imgsrv_principal_sink { void *ctx; void (*set)(void *ctx, const imgsrv_principal *p) IMGSRV_NOEXCEPT; } imgsrv_principal_sink;
enum { IMGSRV_AUTH_NOT_MINE = 0, IMGSRV_AUTH_ACCEPTED = 1, IMGSRV_AUTH_REJECTED = 2 };
typedef struct imgsrv_auth {
    uint32_t struct_size, tick_interval_ms; /* 0: no tick */
    imgsrv_code (*authenticate)(void *self, const imgsrv_call *, const imgsrv_credential *, int32_t *ret_verdict,
                                imgsrv_principal_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] non-OK: could not tell; 503 */
    imgsrv_code (*tick)(void *self, const imgsrv_call *, imgsrv_error *) IMGSRV_NOEXCEPT;    /* [worker] optional: refresh JWKS */
} imgsrv_auth;
/* Extension of an auth component that can issue secrets of its own (bearer tokens). The host stores `verifier` beside
 * token_id and hands it back through the token store; it never stores the plaintext. */
#define IMGSRV_EXT_AUTH_TOKEN_ISSUER "imgsrv.auth.token_issuer/1"
typedef struct imgsrv_ext_auth_token_issuer {
    uint32_t struct_size, reserved;
    imgsrv_code (*issue)(void *self, const imgsrv_call *, imgsrv_str token_id, imgsrv_str_sink *plaintext,
                         imgsrv_str_sink *verifier, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] */
} imgsrv_ext_auth_token_issuer;
/* Host service: what the host knows of issued tokens. NOT_FOUND: no such token, or it was revoked. */
#define IMGSRV_SERVICE_TOKEN_STORE "imgsrv.token_store/1"
typedef struct imgsrv_token_record {
    uint32_t struct_size, reserved; imgsrv_str token_id, verifier, principal_id, display; int64_t expires_us;
} imgsrv_token_record;
typedef struct imgsrv_token_sink { void *ctx; void (*set)(void *ctx, const imgsrv_token_record *t) IMGSRV_NOEXCEPT; } imgsrv_token_sink;
typedef struct imgsrv_token_store {
    uint32_t struct_size, reserved; void *ctx;
    imgsrv_code (*find)(void *ctx, const imgsrv_call *, imgsrv_str token_id, imgsrv_token_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] */
    void (*used)(void *ctx, const imgsrv_call *, imgsrv_str token_id) IMGSRV_NOEXCEPT; /* [worker] the token was accepted; the host keeps last_used_at */
} imgsrv_token_store;
#ifdef __cplusplus
}
#endif
#endif
