// abi.h - the plugin ABI, version 1: what every kind of plugin shares. C11, and C++11 or later.
//
// A plugin is a shared object that exports one constant, imgsrv_plugin_v1: a table of components, each of one kind. The
// host reads the table, creates the components that the configuration names, and calls them through the function table
// of their kind (object_store.h, database.h, auth.h, publish_step.h). In C++, <imgsrv/imgsrv.hpp> fills all tables from
// ordinary classes.
//
// sdk/ABI.md numbers the rules, and the conformance kit cites those numbers. The ones needed to read the headers:
//
//   Growth    A struct that starts with struct_size may gain members at its end and changes in no other way. The side
//   that
//             allocates it sets struct_size; the other side reads or writes only what struct_size covers, and takes a
//             member beyond it as NULL or zero. A struct without struct_size never changes. Lists are NULL-terminated
//             arrays of pointers, so that a longer element does not change the stride of an older reader.
//   Memory    What is passed into a call is borrowed until that call returns. Results leave through the caller's sinks
//   and
//             ret_ pointers before it returns. Nobody frees the other side's memory. A call that fails leaves ret_
//             pointers untouched.
//   Errors    Functions return a code; when it is not IMGSRV_OK they have filled *err. The caller zeroes *err first and
//             never passes NULL.
//   Crashes   No function throws or longjmps. In C++ the pointer types are noexcept, so that a function that may throw
//             does not compile into a table.
//   Threads   Every function has a tag:
//             [main]    while the host starts or stops; one thread
//             [worker]  any worker thread, several at once on one instance
//             [handle]  any worker thread, one at a time on this handle (a connection, a reader, …)
//             [any]     any thread at any time, those of the plugin included
//             No call comes on a thread that serves the network: functions may block, within the call's deadline.
//   Pointers  Not NULL unless the comment says so. Strings of type const char * end with NUL and, in tables, live as
//   long
//             as the process.
#ifndef IMGSRV_ABI_H
#define IMGSRV_ABI_H

#include <stddef.h>
#include <stdint.h>

// A host loads plugins of its own major version only. Within a major, minor versions add and never change.
#define IMGSRV_ABI_MAJOR 1
#define IMGSRV_ABI_MINOR 0

#define IMGSRV_PLUGIN_MAGIC 0x56524D49u  // "IMRV"

#define IMGSRV_EXPORT __attribute__((visibility("default")))

// True when the struct *s reaches as far as its member m, and m is neither NULL nor zero.
#define IMGSRV_HAS(s, m) ((s)->struct_size >= offsetof(__typeof__(*(s)), m) + sizeof((s)->m) && (s)->m)

#ifdef __cplusplus
#define IMGSRV_NOEXCEPT noexcept
extern "C" {
#else
#define IMGSRV_NOEXCEPT
#endif

// ---- Text ----

// UTF-8 of `len` bytes, not ended by NUL. ptr may be NULL when len is 0. Frozen.
typedef struct imgsrv_str {
    const char* ptr;
    size_t len;
} imgsrv_str;

// ---- Errors ----

// The result of a call. The values are those of gRPC's canonical codes. Whoever reads a code it does not know takes it
// as IMGSRV_INTERNAL.
typedef int32_t imgsrv_code;
enum {
    IMGSRV_OK = 0,
    IMGSRV_CANCELLED = 1,            // the call's `cancelled` said so
    IMGSRV_INVALID_ARGUMENT = 3,     // wrong whatever the state is; the same call never succeeds
    IMGSRV_DEADLINE = 4,             // the call's deadline passed
    IMGSRV_NOT_FOUND = 5,            // what the call names is not there
    IMGSRV_ALREADY_EXISTS = 6,       // what the call would create is there
    IMGSRV_PERMISSION_DENIED = 7,    // the backend refuses the plugin's own credentials, or the file system its user
    IMGSRV_RESOURCE_EXHAUSTED = 8,   // a disk, a quota or a table is full
    IMGSRV_FAILED_PRECONDITION = 9,  // wrong in this state; another call has to come first
    IMGSRV_ABORTED = 10,             // lost against something concurrent; run the whole transaction again
    IMGSRV_OUT_OF_RANGE = 11,        // an offset or index past the end
    IMGSRV_UNIMPLEMENTED = 12,       // this component cannot do that
    IMGSRV_INTERNAL = 13,            // a bug
    IMGSRV_UNAVAILABLE = 14,         // the backend is away or overloaded
    IMGSRV_DATA_LOSS = 15,           // stored data is damaged or gone
    IMGSRV_UNAUTHENTICATED = 16      // the backend does not accept who the plugin says it is
};

#define IMGSRV_ERR_RETRYABLE 1u        // the very same call may succeed later
#define IMGSRV_ERR_OUTCOME_UNKNOWN 2u  // the effect may have happened: a lost commit, a completion that timed out

// Why a call failed. The caller owns and zeroes it; the callee fills it when it returns anything but IMGSRV_OK. Frozen.
typedef struct imgsrv_error {
    uint32_t flags;           // IMGSRV_ERR_*
    uint32_t retry_after_ms;  // the backend asked for this pause; 0: it did not say
    int32_t db_class;         // IMGSRV_DB_* from database plugins, else 0
    int32_t reserved;
    // The backend's own name for the error: a SQLSTATE, an S3 error code, an errno's name. For the log. NUL-terminated.
    char native[32];
    // One sentence for people, operators and clients alike: what is wrong and, where one is known, the limit and the
    // value that broke it. Never a secret, a path of the server or the text of a statement. NUL-terminated UTF-8.
    char message[464];
} imgsrv_error;

// ---- One operation ----

// Deadline, cancellation and correlation of one call into a plugin. Allocated by the host, valid until that call
// returns. A plugin passes it on to the host functions that take one.
typedef struct imgsrv_call imgsrv_call;
struct imgsrv_call {
    uint32_t struct_size;
    uint32_t flags;         // 0
    int64_t deadline_ns;    // on CLOCK_MONOTONIC, nanoseconds; 0: none. Past it the call ends with IMGSRV_DEADLINE
    imgsrv_str request_id;  // for the plugin's own backends and logs; may be empty
    void* ctx;
    // Non-zero once the call should end with IMGSRV_CANCELLED. To be asked between blocks of work; costs a load. [any]
    int32_t (*cancelled)(const imgsrv_call* call) IMGSRV_NOEXCEPT;
    // A descriptor that is readable once cancelled, for poll(); -1 when there is none. The host's: never read or close
    // it. [any]
    int (*cancel_fd)(const imgsrv_call* call) IMGSRV_NOEXCEPT;
};

// ---- Streams and sinks ----

// A stream that is pulled: its user owns the buffer, so that a slow consumer slows the source and memory stays bounded.
//
// A reader that a function hands out through `ret` is the receiver's, who calls close() exactly once, before the
// component that made it is destroyed. ret->struct_size is set by the receiver. A reader that is passed into a call is
// lent: the callee does not close it and forgets it when the call returns.
typedef struct imgsrv_reader {
    uint32_t struct_size;
    uint32_t flags;  // 0
    int64_t size;    // bytes it yields from its start to its end; -1: unknown
    void* ctx;
    // Reads 1 to `cap` bytes, blocking until there are some. Returns their number, 0 at the end, or minus a code, with
    // *err filled. After a failure only rewind() and close() are useful. cap 0 returns 0. [handle]
    int64_t (*read)(void* ctx, void* buf, size_t cap, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Starts again at the first byte. NULL: this stream cannot; it may also turn out so, as IMGSRV_UNIMPLEMENTED.
    // [handle]
    imgsrv_code (*rewind)(void* ctx, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // [handle]
    void (*close)(void* ctx) IMGSRV_NOEXCEPT;
} imgsrv_reader;

// Sinks take results. They are the caller's, and called by the callee only, on the thread of the call, before it
// returns. They copy what they keep. Frozen, as all sinks are.

// For one text; called once when the call succeeds.
typedef struct imgsrv_str_sink {
    void* ctx;
    void (*set)(void* ctx, imgsrv_str v) IMGSRV_NOEXCEPT;
} imgsrv_str_sink;

// For bytes, in order, any number of times. A code other than OK means: stop and return it.
typedef struct imgsrv_byte_sink {
    void* ctx;
    imgsrv_code (*write)(void* ctx, const void* p, size_t n) IMGSRV_NOEXCEPT;
} imgsrv_byte_sink;

// ---- Options ----

// Options are declared, so that the host checks, redacts, documents and defaults them, and create() meets only values
// of the declared types.
enum {
    IMGSRV_OPT_STRING = 1,
    IMGSRV_OPT_INT,          // a whole number of 64 bits
    IMGSRV_OPT_BOOL,         // true, false
    IMGSRV_OPT_DURATION_MS,  // "500ms", "5s", "1m", "24h"; read as milliseconds
    IMGSRV_OPT_SIZE,         // "512", "64MiB", "1GB"; read as bytes
    IMGSRV_OPT_STRING_LIST
};
#define IMGSRV_OPT_REQUIRED 1u  // without it the component is not created
#define IMGSRV_OPT_SECRET 2u    // a string that is never logged or shown, and may be given as the file <key>_file

typedef struct imgsrv_option {
    uint32_t struct_size;
    int32_t type;    // IMGSRV_OPT_STRING, …
    uint32_t flags;  // IMGSRV_OPT_REQUIRED, …
    uint32_t reserved;
    const char* key;           // snake_case, unique in the component
    const char* default_text;  // as a user would write it; NULL: none
    const char* help;          // one sentence for the documentation; may be NULL
} imgsrv_option;

// The checked options of one component. The host's; it and what it returns are valid until create() returns. [main]
// Every function: NOT_FOUND when the option is neither set nor has a default, INVALID_ARGUMENT when it is not declared
// or has another type.
typedef struct imgsrv_config {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    imgsrv_code (*get_str)(void* ctx, const char* key, imgsrv_str* ret) IMGSRV_NOEXCEPT;
    // For IMGSRV_OPT_INT, _DURATION_MS and _SIZE.
    imgsrv_code (*get_int)(void* ctx, const char* key, int64_t* ret) IMGSRV_NOEXCEPT;
    // 0 or 1.
    imgsrv_code (*get_bool)(void* ctx, const char* key, int32_t* ret) IMGSRV_NOEXCEPT;
    // The i-th element of a list, from 0; OUT_OF_RANGE past the last.
    imgsrv_code (*get_str_at)(void* ctx, const char* key, size_t i, imgsrv_str* ret) IMGSRV_NOEXCEPT;
    // All of them as one JSON object, secrets included; durations and sizes are numbers.
    imgsrv_str (*as_json)(void* ctx) IMGSRV_NOEXCEPT;
} imgsrv_config;

// ---- The host ----

// Levels of the log. A level between two of them counts as the lower one.
enum { IMGSRV_LOG_DEBUG = 10, IMGSRV_LOG_INFO = 20, IMGSRV_LOG_WARN = 30, IMGSRV_LOG_ERROR = 40 };

// What a metric's value does: it is added, it replaces, it is one observation.
enum { IMGSRV_METRIC_COUNTER = 1, IMGSRV_METRIC_GAUGE, IMGSRV_METRIC_HISTOGRAM };

// A named value: a field of a log line, a label of a metric, a claim. Frozen.
typedef struct imgsrv_kv {
    imgsrv_str key, value;
} imgsrv_kv;

// What the host offers to one component. Valid until that component's destroy() returns.
typedef struct imgsrv_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;  // the host's own
    const char* version;            // the host's release, for messages
    void* ctx;
    // Non-zero when a line of this level would be written, so that nothing need be formatted in vain. [any]
    int32_t (*log_enabled)(void* ctx, int32_t level) IMGSRV_NOEXCEPT;
    // One line for one event. The host adds the component, the instance and the call's request id. Keys are snake_case.
    // Nothing in it is a secret. fields may be NULL when n is 0. Never fails. [any]
    void (*log)(void* ctx, int32_t level, const imgsrv_call* call_or_null, imgsrv_str msg, const imgsrv_kv* fields,
                size_t n) IMGSRV_NOEXCEPT;
    // name: snake_case with its unit, as Prometheus has it. At most 8 labels, whose values come from a small fixed set:
    // never an id, a key or a text of an error. The host adds the component. Unknown kinds are dropped. [any]
    void (*metric)(void* ctx, int32_t kind, const char* name, double value, const imgsrv_kv* labels,
                   size_t n) IMGSRV_NOEXCEPT;
    // A table of the host by its id, such as "imgsrv.token_store/1"; valid as long as the imgsrv_host. NULL: this host
    // has none. [any]
    const void* (*service)(void* ctx, const char* id)IMGSRV_NOEXCEPT;
} imgsrv_host;

// ---- Components and the plugin ----

enum { IMGSRV_KIND_OBJECT_STORE = 1, IMGSRV_KIND_DATABASE, IMGSRV_KIND_AUTH, IMGSRV_KIND_PUBLISH_STEP };

#define IMGSRV_COMPONENT_SERIALIZED 1u  // the host calls an instance and all its handles from one thread at a time
#define IMGSRV_COMPONENT_FINALIZER 2u   // a publish step that may ask for the published state

typedef struct imgsrv_component {
    uint32_t struct_size;
    int32_t kind;    // IMGSRV_KIND_*; a host passes over a kind it does not know
    uint32_t flags;  // IMGSRV_COMPONENT_*
    uint32_t reserved;
    const char* name;                     // what the configuration calls it: driver = "s3". Unique within its kind
    const imgsrv_option* const* options;  // NULL-terminated; NULL: none
    const void* vtable;                   // imgsrv_object_store, imgsrv_database, imgsrv_auth, imgsrv_publish_step

    // Makes an instance, which *ret_self then stands for: not NULL, passed to every function of the vtable. The options
    // are checked already. May reach out to its backend, within the call's deadline. May be called again for further
    // instances, which share nothing. When it fails it leaves nothing behind and the host does not start.
    // instance: what the configuration calls this one, for messages; valid until create() returns. [main]
    imgsrv_code (*create)(const imgsrv_host* host, const char* instance, const imgsrv_config* cfg,
                          const imgsrv_call* call, void** ret_self, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // Ends an instance. All its handles are closed and no call is under way. It joins the threads it made, and makes no
    // call of the host afterwards. A process that is killed never gets here. [main]
    void (*destroy)(void* self) IMGSRV_NOEXCEPT;
    // Whether the backend works, cheaply, and honestly: asks the backend itself. NULL: it always does. Called every few
    // seconds. [worker]
    imgsrv_code (*health)(void* self, const imgsrv_call* call, imgsrv_error* err) IMGSRV_NOEXCEPT;
    // The table of an extension by its id (see the header of the kind), the same for all instances; NULL: not offered.
    // The function itself may be NULL. [any]
    const void* (*extension)(const char* id)IMGSRV_NOEXCEPT;
} imgsrv_component;

typedef struct imgsrv_plugin {
    uint32_t magic;  // IMGSRV_PLUGIN_MAGIC
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;  // the headers it was built with
    uint16_t host_minor_min;        // the oldest host it can do with; 0 unless it needs what a later minor added
    uint16_t reserved;
    const char* id;                             // reverse DNS, "org.imgsrv.object_store_fs"; unique in a process
    const char* version;                        // the plugin's own
    const char* vendor;                         // may be NULL
    const char* license;                        // an SPDX expression; may be NULL
    const imgsrv_component* const* components;  // NULL-terminated, at least one
} imgsrv_plugin;

// The only symbol a plugin exports. It is constant data, so that reading it runs no code of the plugin, and its name
// carries the ABI's major, so that one file may serve two majors.
extern IMGSRV_EXPORT const imgsrv_plugin imgsrv_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif
