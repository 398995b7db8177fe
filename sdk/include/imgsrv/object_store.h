// object_store.h - components of kind IMGSRV_KIND_OBJECT_STORE: where bytes live. Objects are immutable and have keys
// such as "sha256/ab/abcd…"; large ones are built from parts. The rules S1 and following of sdk/ABI.md apply: the form
// of keys (S1), what survives a crash (S3, S15, S22), multipart uploads (S20 and following).
#ifndef IMGSRV_OBJECT_STORE_H
#define IMGSRV_OBJECT_STORE_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of several calls with IMGSRV_IF_ABSENT at once, exactly one wins. Without the capability the store checks, then acts.
#define IMGSRV_STORE_CAP_COPY_IF_ABSENT 1ull
#define IMGSRV_STORE_CAP_PUT_IF_ABSENT 2ull
// No two calls of mp_put_part() for one upload give the same etag, whatever the bytes. Without the capability, as with
// an etag that is an MD5, the host does not trust its hash of a part that was sent more than once, and reads the part
// again.
#define IMGSRV_STORE_CAP_UNIQUE_PART_ETAGS 4ull

// Flag of put() and copy(): ALREADY_EXISTS, with no change, when there is an object at the key.
#define IMGSRV_IF_ABSENT 1u

typedef struct imgsrv_object_info {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str key;
    imgsrv_str etag;   // opaque, not empty; differs when the bytes differ
    uint64_t size;     // of the whole object, in bytes
    int64_t mtime_us;  // microseconds since 1970 UTC
} imgsrv_object_info;

// A code other than OK means: stop and return it.
typedef struct imgsrv_object_sink {
    void* ctx;
    imgsrv_code (*emit)(void* ctx, const imgsrv_object_info* o) IMGSRV_NOEXCEPT;
} imgsrv_object_sink;

typedef struct imgsrv_upload_info {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str key;
    imgsrv_str upload_id;
    int64_t created_us;  // microseconds since 1970 UTC
} imgsrv_upload_info;

// A code other than OK means: stop and return it.
typedef struct imgsrv_upload_sink {
    void* ctx;
    imgsrv_code (*emit)(void* ctx, const imgsrv_upload_info* u) IMGSRV_NOEXCEPT;
} imgsrv_upload_sink;

// What the host knows about a multipart upload when it starts; 0: not known. Hints promise nothing.
typedef struct imgsrv_upload_hints {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t expected_size;  // of the whole object
} imgsrv_upload_hints;

// A stored part. Frozen.
typedef struct imgsrv_part {
    uint32_t number;  // 1 to 10000
    uint32_t reserved;
    uint64_t size;
    imgsrv_str etag;  // as mp_put_part() gave it
} imgsrv_part;

// All functions are mandatory and [worker]: several at once, also for one key. Where a function has an object sink, it
// emits the object exactly once when it succeeds, unless the comment says otherwise.
typedef struct imgsrv_object_store {
    uint32_t struct_size;
    uint32_t reserved;

    // IMGSRV_STORE_CAP_*; always the same for one instance.
    uint64_t (*caps)(void* self) IMGSRV_NOEXCEPT;

    // NOT_FOUND when there is no object.
    imgsrv_code (*stat)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_object_sink* out,
                        imgsrv_error* err) IMGSRV_NOEXCEPT;

    // A reader of `length` bytes from `offset`, fewer when the object ends before; length -1: to the end. OUT_OF_RANGE
    // when offset is past the end. if_etag empty: whatever is there; else FAILED_PRECONDITION when the object has
    // another etag. The reader yields the object as it is now, or fails: never a mixture with one that replaces it.
    imgsrv_code (*open)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str if_etag, uint64_t offset,
                        int64_t length, imgsrv_reader* ret, imgsrv_object_sink* info,
                        imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Stores the body, read until its end, under the key. Visible whole or not at all, also after a crash; durable when
    // it returns OK. Replaces what is there unless flags has IMGSRV_IF_ABSENT. When the body fails, the call fails with
    // the body's code, changes nothing and leaves nothing that takes space.
    imgsrv_code (*put)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_reader* body, uint32_t flags,
                       imgsrv_object_sink* out, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // As put(), from an object of the same store and of any size, without the bytes passing the host. if_src_etag
    // empty: whatever is there. The copy is independent of its source.
    imgsrv_code (*copy)(void* self, const imgsrv_call* call, imgsrv_str src, imgsrv_str if_src_etag, imgsrv_str dst,
                        uint32_t flags, imgsrv_object_sink* out, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Durable when it returns OK. OK when there is no object.
    imgsrv_code (*remove)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Emits up to `max` (from 1) objects whose keys begin with `prefix` and come after `start_after`, in the order of
    // the keys' bytes. *ret_more: non-zero when there are more. Both texts may be empty.
    imgsrv_code (*list)(void* self, const imgsrv_call* call, imgsrv_str prefix, imgsrv_str start_after, uint32_t max,
                        imgsrv_object_sink* out, int32_t* ret_more, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Begins a multipart upload and sends its id, which names it together with the key. The key shows what it showed
    // before until mp_complete(). hints may be NULL.
    imgsrv_code (*mp_create)(void* self, const imgsrv_call* call, imgsrv_str key, const imgsrv_upload_hints* hints,
                             imgsrv_str_sink* upload_id, imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Stores a part, in any order and in parallel with others, and sends its etag; durable when it returns OK. The same
    // number again replaces the part. When it fails, the part that was there stays. NOT_FOUND when there is no such
    // upload.
    imgsrv_code (*mp_put_part)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                               uint32_t number, imgsrv_reader* body, imgsrv_str_sink* etag,
                               imgsrv_error* err) IMGSRV_NOEXCEPT;

    // The commit point of an upload: the object is the named parts, numbers ascending, and appears whole or not at all.
    // Parts that are not named are dropped. FAILED_PRECONDITION, with "part N" in the message, when one is not stored
    // with that etag and size. May be called again by a caller that does not know whether it succeeded.
    imgsrv_code (*mp_complete)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                               const imgsrv_part* parts, size_t n, imgsrv_object_sink* out,
                               imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Ends an upload and frees its space. OK when there is no such upload.
    imgsrv_code (*mp_abort)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                            imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Emits every open upload whose key begins with `prefix`, in any order; the host sweeps up old ones.
    imgsrv_code (*mp_list)(void* self, const imgsrv_call* call, imgsrv_str prefix, imgsrv_upload_sink* out,
                           imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_object_store;

// Extension of a store on a local file system: a descriptor, so that the host may sendfile().
#define IMGSRV_EXT_STORE_LOCAL_FD "imgsrv.object_store.local_fd/1"
typedef struct imgsrv_ext_store_local_fd {
    uint32_t struct_size;
    uint32_t reserved;
    // A new descriptor of a regular file that holds exactly the object; read-only, close-on-exec, at offset 0. The
    // caller closes it. NOT_FOUND when there is no object. [worker]
    imgsrv_code (*open_fd)(void* self, const imgsrv_call* call, imgsrv_str key, int* ret_fd,
                           imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_ext_store_local_fd;

// Extension of a store whose parts can be read before the upload is complete, so that the host can hash, in their
// order, parts that arrived out of order.
#define IMGSRV_EXT_STORE_PART_READER "imgsrv.object_store.part_reader/1"
typedef struct imgsrv_ext_store_part_reader {
    uint32_t struct_size;
    uint32_t reserved;
    // A reader of the part from `offset` to its end. NOT_FOUND unless number, size and etag are those of a stored part,
    // OUT_OF_RANGE when offset is past its size. [worker]
    imgsrv_code (*open_part)(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                             const imgsrv_part* part, uint64_t offset, imgsrv_reader* ret,
                             imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_ext_store_part_reader;

// Extension of a store that joins no small parts, so that the host can refuse them when they arrive instead of at
// mp_complete().
#define IMGSRV_EXT_STORE_PART_LIMITS "imgsrv.object_store.part_limits/1"
typedef struct imgsrv_ext_store_part_limits {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t least_size;  // of every part but the last, in bytes; at most 5 MiB (rule S20)
} imgsrv_ext_store_part_limits;

#ifdef __cplusplus
}
#endif
#endif
