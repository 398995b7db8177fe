// publish_step.h - components of kind IMGSRV_KIND_PUBLISH_STEP: what happens to a version between "publish" and
// published. A step may look at the version and refuse it, put rows into a projection of its own, and serve documents
// rendered from all rows of published versions; so a whole new protocol is one plugin. A step never sees SQL: the host
// replaces the step's rows for the version and marks the step done in one transaction, fenced by lease and attempt. The
// rules P1 and following of sdk/ABI.md apply.
#ifndef IMGSRV_PUBLISH_STEP_H
#define IMGSRV_PUBLISH_STEP_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

// A file that goes with an artifact: metadata, an SBOM, a signature.
typedef struct imgsrv_attachment {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str id;
    imgsrv_str name;  // unique in the artifact: "sbom.json"
    imgsrv_str media_type;
    imgsrv_str digest;  // "sha256:" and 64 hex digits
    uint64_t size;      // as the publisher said; imgsrv_step_run.blob_size() gives the trusted one
} imgsrv_attachment;

// An image file of the version, for one platform in one format.
typedef struct imgsrv_artifact {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str id;
    imgsrv_str os;
    imgsrv_str architecture;
    imgsrv_str variant;  // may be empty
    imgsrv_str format;   // "qcow2", "squashfs", …
    imgsrv_str media_type;
    imgsrv_str digest;
    uint64_t size;                                // as the publisher said
    const imgsrv_attachment* const* attachments;  // NULL-terminated
} imgsrv_artifact;

// The host's side of one run. All of it is valid until run() returns; all functions are [handle].
typedef struct imgsrv_step_run {
    uint32_t struct_size;
    uint32_t attempt;  // from 1; a run that was lost to a crash counts
    void* ctx;
    imgsrv_str version_id;
    imgsrv_str image;
    imgsrv_str version;
    const imgsrv_artifact* const* artifacts;  // the frozen manifest, NULL-terminated

    // A reader of a trusted blob (one whose bytes were seen to have the digest), which the step closes before run()
    // returns. offset and length as in imgsrv_object_store.open(). NOT_FOUND when there is no trusted blob of that
    // digest.
    imgsrv_code (*open_blob)(void* ctx, const imgsrv_call* call, imgsrv_str digest, uint64_t offset, int64_t length,
                             imgsrv_reader* ret, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // The size of a trusted blob; NOT_FOUND when there is none of that digest.
    imgsrv_code (*blob_size)(void* ctx, const imgsrv_call* call, imgsrv_str digest, uint64_t* ret_size,
                             imgsrv_error* err) IMGSRV_NOEXCEPT;
    // How far the step has come, in bytes or any other unit, for people who watch the job. Cheap: call it often.
    void (*progress)(void* ctx, uint64_t done, uint64_t total) IMGSRV_NOEXCEPT;
    // One row of the step's projection. key: 1 to 512 bytes, unique in the step and version; again replaces. json:
    // valid JSON of at most 1 MiB, which the step gets back as it is. All rows of a run: at most 64 MiB. Rows count
    // only when run() returns OK.
    imgsrv_code (*put_row)(void* ctx, imgsrv_str key, imgsrv_str json, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Asks that the version be published together with this step's success. PERMISSION_DENIED unless the component has
    // the flag IMGSRV_COMPONENT_FINALIZER. The host checks every invariant again when it commits.
    imgsrv_code (*request_published)(void* ctx, imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_step_run;

// A row of a published version.
typedef struct imgsrv_row {
    uint32_t struct_size;
    uint32_t reserved;
    imgsrv_str image;
    imgsrv_str display_name;  // of the image
    imgsrv_str version;
    imgsrv_str version_id;
    imgsrv_str key;        // as put_row() got it
    imgsrv_str json;       // as put_row() got it
    int64_t published_us;  // microseconds since 1970 UTC
} imgsrv_row;

// One read snapshot: this step's rows of all published versions, and the aliases as they stand. Valid until render()
// returns; both functions are [handle].
typedef struct imgsrv_render_view {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    // Fills *ret, whose struct_size the step has set, with the next row: 1; 0 at the end; minus a code on failure. Rows
    // come by image, then by time of publication, then by key. What *ret points to is valid until the next call.
    int32_t (*next_row)(void* ctx, imgsrv_row* ret, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // The i-th alias (from 0, by name) that points at the version: 1; 0 after the last; minus a code on failure.
    // *ret is valid until the next call of either function.
    int32_t (*alias_at)(void* ctx, imgsrv_str image, imgsrv_str version, size_t i, imgsrv_str* ret,
                        imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_render_view;

// A document the step serves. The host does not start when another step or the host itself already serves the path.
typedef struct imgsrv_document {
    uint32_t struct_size;
    uint32_t reserved;
    const char* path;          // the exact path: "/streams/v1/images.json"
    const char* content_type;  // "application/json"
} imgsrv_document;

typedef struct imgsrv_publish_step {
    uint32_t struct_size;
    uint32_t row_schema;                      // stored with the rows; a change asks for every version to be run again
    const imgsrv_document* const* documents;  // NULL-terminated; NULL: none

    // The step's work for one version. OK: done. An error that is RETRYABLE, UNAVAILABLE or DEADLINE is tried again,
    // with growing pauses; CANCELLED hands the version back; every other one fails the job, and the message tells the
    // publisher why (FAILED_PRECONDITION: the version is refused).
    // May run again for the same version at any time (a crash, a lost lease, a new row_schema), so: deterministic, with
    // no effect but through `run`, or with effects that may happen twice. [worker]
    imgsrv_code (*run)(void* self, const imgsrv_call* call, const imgsrv_step_run* run,
                       imgsrv_error* err) IMGSRV_NOEXCEPT;

    // Writes the document at `path`, which is one of `documents`, into the sink. A pure function of the view: the host
    // caches what it writes until the catalogue changes. NULL when there are no documents. [worker]
    imgsrv_code (*render)(void* self, const imgsrv_call* call, const imgsrv_render_view* view, imgsrv_str path,
                          imgsrv_byte_sink* out, imgsrv_error* err) IMGSRV_NOEXCEPT;
} imgsrv_publish_step;

#ifdef __cplusplus
}
#endif
#endif
