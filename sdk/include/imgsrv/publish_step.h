#ifndef IMGSRV_PUBLISH_STEP_H
#define IMGSRV_PUBLISH_STEP_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif
typedef struct imgsrv_attachment { uint32_t struct_size, reserved; imgsrv_str id, name, media_type, digest; uint64_t size; } imgsrv_attachment;
typedef struct imgsrv_artifact {
    uint32_t struct_size, reserved; imgsrv_str id, os, architecture, variant, format, media_type, digest; uint64_t size;
    const imgsrv_attachment *const *attachments; /* NULL-terminated */
} imgsrv_artifact;
/* The host's side of one run. Rows are buffered; the host replaces this step's rows for the
 * version and marks the step done in one transaction, fenced by lease and attempt number. */
typedef struct imgsrv_step_run {
    uint32_t struct_size, attempt; void *ctx;
    imgsrv_str version_id, image, version;
    const imgsrv_artifact *const *artifacts; /* frozen manifest, NULL-terminated */
    imgsrv_code (*open_blob)(void *ctx, const imgsrv_call *, imgsrv_str digest, uint64_t offset, int64_t length,
                             imgsrv_reader *ret, imgsrv_error *) IMGSRV_NOEXCEPT;
    /* The trusted size of a blob; NOT_FOUND when there is no trusted blob of that digest. */
    imgsrv_code (*blob_size)(void *ctx, const imgsrv_call *, imgsrv_str digest, uint64_t *ret_size, imgsrv_error *) IMGSRV_NOEXCEPT;
    void (*progress)(void *ctx, uint64_t done, uint64_t total) IMGSRV_NOEXCEPT; /* bytes, or any unit */
    imgsrv_code (*put_row)(void *ctx, imgsrv_str key, imgsrv_str json, imgsrv_error *) IMGSRV_NOEXCEPT;
    imgsrv_code (*request_published)(void *ctx, imgsrv_error *) IMGSRV_NOEXCEPT; /* FINALIZER only; host re-checks every invariant */
} imgsrv_step_run;
typedef struct imgsrv_row { uint32_t struct_size, reserved; imgsrv_str image, display_name, version, version_id, key, json; int64_t published_us; } imgsrv_row;
/* One read snapshot: rows of published versions, and aliases as they stand now. */
typedef struct imgsrv_render_view {
    uint32_t struct_size, reserved; void *ctx;
    int32_t (*next_row)(void *ctx, imgsrv_row *ret, imgsrv_error *) IMGSRV_NOEXCEPT; /* 1, 0 end, <0 -code; borrowed until next */
    int32_t (*alias_at)(void *ctx, imgsrv_str image, imgsrv_str version, size_t i, imgsrv_str *ret, imgsrv_error *) IMGSRV_NOEXCEPT;
} imgsrv_render_view;
typedef struct imgsrv_document { uint32_t struct_size, reserved; const char *path, *content_type; } imgsrv_document;
typedef struct imgsrv_publish_step {
    uint32_t struct_size, row_schema;            /* stored with the rows; a change asks for re-indexing */
    const imgsrv_document *const *documents;     /* NULL-terminated; exact paths, refused on conflict */
    imgsrv_code (*run)(void *self, const imgsrv_call *, const imgsrv_step_run *, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] idempotent, deterministic */
    imgsrv_code (*render)(void *self, const imgsrv_call *, const imgsrv_render_view *, imgsrv_str path,
                          imgsrv_byte_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] pure function of the view */
} imgsrv_publish_step;
#ifdef __cplusplus
}
#endif
#endif
