#ifndef IMGSRV_OBJECT_STORE_H
#define IMGSRV_OBJECT_STORE_H
#include "abi.h"
#ifdef __cplusplus
extern "C" {
#endif
#define IMGSRV_STORE_CAP_COPY_IF_ABSENT 1ull /* conditional copy is atomic, not check-then-act */
#define IMGSRV_STORE_CAP_PUT_IF_ABSENT 2ull
#define IMGSRV_IF_ABSENT 1u
typedef struct imgsrv_object_info {
    uint32_t struct_size, reserved; imgsrv_str key, etag; uint64_t size; int64_t mtime_us;
} imgsrv_object_info;
typedef struct imgsrv_object_sink { void *ctx; imgsrv_code (*emit)(void *ctx, const imgsrv_object_info *o) IMGSRV_NOEXCEPT; } imgsrv_object_sink;
typedef struct imgsrv_upload_info { uint32_t struct_size, reserved; imgsrv_str key, upload_id; int64_t created_us; } imgsrv_upload_info;
typedef struct imgsrv_upload_sink { void *ctx; imgsrv_code (*emit)(void *ctx, const imgsrv_upload_info *u) IMGSRV_NOEXCEPT; } imgsrv_upload_sink;
/* What the host knows of a multipart upload when it starts; a field that is not known is 0. */
typedef struct imgsrv_upload_hints { uint32_t struct_size, reserved; uint64_t expected_size; } imgsrv_upload_hints;
typedef struct imgsrv_part { uint32_t number, reserved; uint64_t size; imgsrv_str etag; } imgsrv_part;
/* All [worker]. Mandatory unless marked optional. */
typedef struct imgsrv_object_store {
    uint32_t struct_size, reserved;
    uint64_t (*caps)(void *self) IMGSRV_NOEXCEPT;
    imgsrv_code (*stat)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_object_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT;
    /* length -1: to the end; if_etag empty: unconditional, else FAILED_PRECONDITION on a mismatch.
     * info.size is the whole object's. OUT_OF_RANGE when offset > size. */
    imgsrv_code (*open)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_str if_etag, uint64_t offset, int64_t length,
                        imgsrv_reader *ret, imgsrv_object_sink *info, imgsrv_error *) IMGSRV_NOEXCEPT;
    /* Visible whole or not at all, also after a crash. */
    imgsrv_code (*put)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_reader *body, uint32_t flags,
                       imgsrv_object_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT;
    /* Server side, any size; if_src_etag empty: unconditional. */
    imgsrv_code (*copy)(void *self, const imgsrv_call *, imgsrv_str src, imgsrv_str if_src_etag, imgsrv_str dst, uint32_t flags,
                        imgsrv_object_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT;
    imgsrv_code (*remove)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_error *) IMGSRV_NOEXCEPT; /* absent: OK */
    imgsrv_code (*list)(void *self, const imgsrv_call *, imgsrv_str prefix, imgsrv_str start_after, uint32_t max,
                        imgsrv_object_sink *out, int32_t *ret_more, imgsrv_error *) IMGSRV_NOEXCEPT; /* key order */
    /* hints may be NULL. */
    imgsrv_code (*mp_create)(void *self, const imgsrv_call *, imgsrv_str key, const imgsrv_upload_hints *hints,
                             imgsrv_str_sink *upload_id, imgsrv_error *) IMGSRV_NOEXCEPT;
    imgsrv_code (*mp_put_part)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_str upload_id, uint32_t number,
                               imgsrv_reader *body, imgsrv_str_sink *etag, imgsrv_error *) IMGSRV_NOEXCEPT; /* replaces */
    imgsrv_code (*mp_complete)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_str upload_id, const imgsrv_part *parts, size_t n,
                               imgsrv_object_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT;
    imgsrv_code (*mp_abort)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_str upload_id, imgsrv_error *) IMGSRV_NOEXCEPT; /* absent: OK */
    imgsrv_code (*mp_list)(void *self, const imgsrv_call *, imgsrv_str prefix, imgsrv_upload_sink *out, imgsrv_error *) IMGSRV_NOEXCEPT; /* for the sweeper */
} imgsrv_object_store;
/* Extension: a local descriptor, so that the host may sendfile(). */
#define IMGSRV_EXT_STORE_LOCAL_FD "imgsrv.object_store.local_fd/1"
typedef struct imgsrv_ext_store_local_fd {
    uint32_t struct_size, reserved;
    imgsrv_code (*open_fd)(void *self, const imgsrv_call *, imgsrv_str key, int *ret_fd, imgsrv_error *) IMGSRV_NOEXCEPT; /* caller closes */
} imgsrv_ext_store_local_fd;
/* Extension: parts of a multipart upload that is not complete yet can be read back, so that the host can hash parts
 * that arrived out of order before it completes. NOT_FOUND for a part that is absent or has another etag. */
#define IMGSRV_EXT_STORE_PART_READER "imgsrv.object_store.part_reader/1"
typedef struct imgsrv_ext_store_part_reader {
    uint32_t struct_size, reserved;
    imgsrv_code (*open_part)(void *self, const imgsrv_call *, imgsrv_str key, imgsrv_str upload_id, const imgsrv_part *part,
                             uint64_t offset, imgsrv_reader *ret, imgsrv_error *) IMGSRV_NOEXCEPT; /* [worker] */
} imgsrv_ext_store_part_reader;
#ifdef __cplusplus
}
#endif
#endif
