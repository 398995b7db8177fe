// A plugin of the first release: built with that release's headers, which lie beside it, for ever. Every later host of
// major 1 must load it and use it. One component of each kind, in plain C.
#include <imgsrv/auth.h>
#include <imgsrv/database.h>
#include <imgsrv/object_store.h>
#include <imgsrv/publish_step.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static imgsrv_str text(const char* s) {
    const imgsrv_str result = {s, strlen(s)};
    return result;
}

static int equals(imgsrv_str s, const char* t) {
    return s.len == strlen(t) && memcmp(s.ptr, t, s.len) == 0;
}

static imgsrv_code fail(imgsrv_error* err, imgsrv_code code, const char* message) {
    snprintf(err->message, sizeof err->message, "%s", message);
    snprintf(err->native, sizeof err->native, "%s", "V1");
    return code;
}

static int instance;

static imgsrv_code create(const imgsrv_host* host, const char* name, const imgsrv_config* cfg, const imgsrv_call* call,
                          void** ret_self, imgsrv_error* err) {
    (void)name, (void)call;
    imgsrv_str greeting;
    if (cfg->get_str(cfg->ctx, "greeting", &greeting) != IMGSRV_OK || !equals(greeting, "hello"))
        return fail(err, IMGSRV_INVALID_ARGUMENT, "the default of 'greeting' did not arrive");
    const imgsrv_kv field = {text("greeting"), greeting};
    host->log(host->ctx, IMGSRV_LOG_DEBUG, call, text("created"), &field, 1);
    host->metric(host->ctx, IMGSRV_METRIC_COUNTER, "v1_created_total", 1, 0, 0);
    *ret_self = &instance;
    return IMGSRV_OK;
}

static void destroy(void* self) {
    (void)self;
}

// ---- Object store: every key holds "v1 bytes"; nothing can be stored ----

static const char kBytes[] = "v1 bytes";

typedef struct reader {
    size_t at, end;
} reader;

static int64_t reader_read(void* ctx, void* buf, size_t cap, imgsrv_error* err) {
    (void)err;
    reader* r = ctx;
    const size_t n = r->end - r->at < cap ? r->end - r->at : cap;
    memcpy(buf, kBytes + r->at, n);
    r->at += n;
    return (int64_t)n;
}

static void reader_close(void* ctx) {
    free(ctx);
}

static uint64_t caps(void* self) {
    (void)self;
    return IMGSRV_STORE_CAP_PUT_IF_ABSENT;
}

static imgsrv_code store_stat(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_object_sink* out,
                              imgsrv_error* err) {
    (void)self, (void)call, (void)err;
    const imgsrv_object_info info = {sizeof info, 0, key, {"e", 1}, sizeof kBytes - 1, 7};
    return out->emit(out->ctx, &info);
}

static imgsrv_code store_open(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str if_etag, uint64_t offset,
                              int64_t length, imgsrv_reader* ret, imgsrv_object_sink* info, imgsrv_error* err) {
    (void)if_etag;
    const size_t size = sizeof kBytes - 1;
    if (offset > size) return fail(err, IMGSRV_OUT_OF_RANGE, "beyond the end");
    const imgsrv_code code = store_stat(self, call, key, info, err);
    if (code != IMGSRV_OK) return code;
    reader* r = malloc(sizeof *r);
    if (!r) return fail(err, IMGSRV_UNAVAILABLE, "out of memory");
    r->at = offset;
    r->end = length < 0 || (uint64_t)length > size - offset ? size : offset + (size_t)length;
    ret->size = (int64_t)(r->end - r->at);
    ret->ctx = r;
    ret->read = reader_read;
    ret->rewind = 0;
    ret->close = reader_close;
    return IMGSRV_OK;
}

static imgsrv_code store_put(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_reader* body, uint32_t flags,
                             imgsrv_object_sink* out, imgsrv_error* err) {
    char block[16];
    int64_t n;
    (void)self, (void)call, (void)key, (void)flags, (void)out;
    while ((n = body->read(body->ctx, block, sizeof block, err)) > 0) continue;
    return n < 0 ? (imgsrv_code)-n : fail(err, IMGSRV_RESOURCE_EXHAUSTED, "this store is full");
}

static imgsrv_code store_copy(void* self, const imgsrv_call* call, imgsrv_str src, imgsrv_str if_src_etag,
                              imgsrv_str dst, uint32_t flags, imgsrv_object_sink* out, imgsrv_error* err) {
    (void)src, (void)if_src_etag, (void)flags;
    return store_stat(self, call, dst, out, err);
}

static imgsrv_code store_remove(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_error* err) {
    (void)self, (void)call, (void)key, (void)err;
    return IMGSRV_OK;
}

static imgsrv_code store_list(void* self, const imgsrv_call* call, imgsrv_str prefix, imgsrv_str start_after,
                              uint32_t max, imgsrv_object_sink* out, int32_t* ret_more, imgsrv_error* err) {
    (void)prefix, (void)start_after, (void)max;
    *ret_more = 0;
    return store_stat(self, call, text("only"), out, err);
}

static imgsrv_code mp_create(void* self, const imgsrv_call* call, imgsrv_str key, const imgsrv_upload_hints* hints,
                             imgsrv_str_sink* upload_id, imgsrv_error* err) {
    (void)self, (void)call, (void)key, (void)err;
    upload_id->set(upload_id->ctx, text(hints && hints->expected_size == 5 ? "five" : "unknown"));
    return IMGSRV_OK;
}

static imgsrv_code mp_put_part(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                               uint32_t number, imgsrv_reader* body, imgsrv_str_sink* etag, imgsrv_error* err) {
    (void)upload_id, (void)number, (void)etag;
    return store_put(self, call, key, body, 0, 0, err);
}

static imgsrv_code mp_complete(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                               const imgsrv_part* parts, size_t n, imgsrv_object_sink* out, imgsrv_error* err) {
    (void)upload_id;
    if (n != 1 || parts[0].number != 1) return fail(err, IMGSRV_INVALID_ARGUMENT, "one part, please");
    return store_stat(self, call, key, out, err);
}

static imgsrv_code mp_abort(void* self, const imgsrv_call* call, imgsrv_str key, imgsrv_str upload_id,
                            imgsrv_error* err) {
    (void)self, (void)call, (void)key, (void)upload_id, (void)err;
    return IMGSRV_OK;
}

static imgsrv_code mp_list(void* self, const imgsrv_call* call, imgsrv_str prefix, imgsrv_upload_sink* out,
                           imgsrv_error* err) {
    (void)self, (void)call, (void)err;
    const imgsrv_upload_info info = {sizeof info, 0, prefix, {"five", 4}, 9};
    return out->emit(out->ctx, &info);
}

static const imgsrv_object_store object_store = {sizeof object_store, 0,           caps,         store_stat, store_open,
                                                 store_put,           store_copy,  store_remove, store_list, mp_create,
                                                 mp_put_part,         mp_complete, mp_abort,     mp_list};

// ---- Database: one row with the one parameter ----

typedef struct rows {
    int at;
    int64_t value;
} rows;

static imgsrv_code connect(void* self, const imgsrv_call* call, void** ret_conn, imgsrv_error* err) {
    (void)call, (void)err;
    *ret_conn = self;
    return IMGSRV_OK;
}

static void nothing(void* conn) {
    (void)conn;
}

static imgsrv_code ok(void* conn, const imgsrv_call* call, imgsrv_error* err) {
    (void)conn, (void)call, (void)err;
    return IMGSRV_OK;
}

static imgsrv_code begin(void* conn, const imgsrv_call* call, int32_t mode, imgsrv_error* err) {
    (void)conn, (void)call;
    return mode == IMGSRV_TX_WRITE ? fail(err, IMGSRV_FAILED_PRECONDITION, "only READ") : IMGSRV_OK;
}

static imgsrv_code script(void* conn, const imgsrv_call* call, imgsrv_str sql, imgsrv_error* err) {
    (void)conn, (void)call, (void)sql;
    err->db_class = IMGSRV_DB_READ_ONLY;
    return fail(err, IMGSRV_FAILED_PRECONDITION, "read only");
}

static imgsrv_code query(void* conn, const imgsrv_call* call, imgsrv_str sql, const imgsrv_value* params, size_t n,
                         void** ret_rows, uint64_t* ret_affected, imgsrv_error* err) {
    (void)conn, (void)call, (void)sql;
    if (n != 1 || params[0].type != IMGSRV_VAL_INT) return fail(err, IMGSRV_INTERNAL, "one integer, please");
    rows* r = malloc(sizeof *r);
    if (!r) return fail(err, IMGSRV_UNAVAILABLE, "out of memory");
    r->at = 0;
    r->value = params[0].u.i;
    *ret_rows = r;
    *ret_affected = 0;
    return IMGSRV_OK;
}

static int32_t row_next(void* ctx, const imgsrv_call* call, imgsrv_error* err) {
    (void)call, (void)err;
    return ((rows*)ctx)->at++ == 0;
}

static size_t row_width(void* ctx) {
    (void)ctx;
    return 1;
}

static imgsrv_code row_get(void* ctx, size_t col, imgsrv_value* ret, imgsrv_error* err) {
    if (col != 0) return fail(err, IMGSRV_OUT_OF_RANGE, "one column");
    ret->type = IMGSRV_VAL_INT;
    ret->u.i = ((rows*)ctx)->value;
    return IMGSRV_OK;
}

static const imgsrv_database database = {sizeof database,
                                         0,
                                         "v1",
                                         IMGSRV_DB_FEATURE_CONCURRENT_WRITERS,
                                         connect,
                                         nothing,
                                         ok,
                                         begin,
                                         ok,
                                         ok,
                                         script,
                                         query,
                                         row_next,
                                         row_width,
                                         row_get,
                                         free,
                                         ok,
                                         ok,
                                         nothing};

// ---- Auth: accepts "v1", issues tokens ----

static imgsrv_code authenticate(void* self, const imgsrv_call* call, const imgsrv_credential* credential,
                                int32_t* ret_verdict, imgsrv_principal_sink* out, imgsrv_error* err) {
    (void)self, (void)call, (void)err;
    *ret_verdict = IMGSRV_AUTH_NOT_MINE;
    if (!equals(credential->secret, "v1")) return IMGSRV_OK;
    const imgsrv_kv claim = {text("scope"), text("read")};
    const imgsrv_principal principal = {sizeof principal, 0, text("someone"), text("v1"),
                                        text("Someone"),  0, &claim,          1};
    out->set(out->ctx, &principal);
    *ret_verdict = IMGSRV_AUTH_ACCEPTED;
    return IMGSRV_OK;
}

static const imgsrv_auth auth = {sizeof auth, 0, authenticate, 0};

static imgsrv_code issue(void* self, const imgsrv_call* call, imgsrv_str token_id, imgsrv_str_sink* plaintext,
                         imgsrv_str_sink* verifier, imgsrv_error* err) {
    (void)self, (void)call, (void)err;
    plaintext->set(plaintext->ctx, token_id);
    verifier->set(verifier->ctx, text("verifier"));
    return IMGSRV_OK;
}

static const imgsrv_ext_auth_token_issuer token_issuer = {sizeof token_issuer, 0, issue};

static const void* auth_extension(const char* id) {
    return strcmp(id, IMGSRV_EXT_AUTH_TOKEN_ISSUER) == 0 ? &token_issuer : 0;
}

// ---- Publish step: a row for each artifact, a document with the rows ----

static imgsrv_code run(void* self, const imgsrv_call* call, const imgsrv_step_run* r, imgsrv_error* err) {
    (void)self;
    for (const imgsrv_artifact* const* a = r->artifacts; *a; ++a) {
        imgsrv_reader blob = {0};
        blob.struct_size = sizeof blob;
        imgsrv_code code = r->open_blob(r->ctx, call, (*a)->digest, 0, -1, &blob, err);
        if (code != IMGSRV_OK) return code;
        char json[64] = "\"";
        const int64_t n = blob.read(blob.ctx, json + 1, 16, err);
        blob.close(blob.ctx);
        if (n < 0) return (imgsrv_code)-n;
        strcpy(json + 1 + n, "\"");
        code = r->put_row(r->ctx, (*a)->id, text(json), err);
        if (code != IMGSRV_OK) return code;
    }
    r->progress(r->ctx, 1, 1);
    return IMGSRV_OK;
}

static imgsrv_code render(void* self, const imgsrv_call* call, const imgsrv_render_view* view, imgsrv_str path,
                          imgsrv_byte_sink* out, imgsrv_error* err) {
    (void)self, (void)call, (void)path;
    imgsrv_row row = {0};
    row.struct_size = sizeof row;
    int32_t n;
    while ((n = view->next_row(view->ctx, &row, err)) > 0) {
        const imgsrv_code code = out->write(out->ctx, row.json.ptr, row.json.len);
        if (code != IMGSRV_OK) return code;
    }
    return n < 0 ? -n : IMGSRV_OK;
}

static const imgsrv_document document = {sizeof document, 0, "/v1.txt", "text/plain"};
static const imgsrv_document* const documents[] = {&document, 0};
static const imgsrv_publish_step publish_step = {sizeof publish_step, 1, documents, run, render};

// ---- The plugin ----

static const imgsrv_option option = {sizeof option, IMGSRV_OPT_STRING,      0, 0, "greeting",
                                     "hello",       "What the test expects"};
static const imgsrv_option* const options[] = {&option, 0};

static const imgsrv_component components[] = {
    {sizeof components[0], IMGSRV_KIND_OBJECT_STORE, 0, 0, "v1", options, &object_store, create, destroy, 0, 0},
    {sizeof components[0], IMGSRV_KIND_DATABASE, 0, 0, "v1", options, &database, create, destroy, ok, 0},
    {sizeof components[0], IMGSRV_KIND_AUTH, 0, 0, "v1", options, &auth, create, destroy, 0, auth_extension},
    {sizeof components[0], IMGSRV_KIND_PUBLISH_STEP, 0, 0, "v1", options, &publish_step, create, destroy, 0, 0},
};
static const imgsrv_component* const component_list[] = {&components[0], &components[1], &components[2], &components[3],
                                                         0};

const imgsrv_plugin imgsrv_plugin_v1 = {IMGSRV_PLUGIN_MAGIC,
                                        sizeof imgsrv_plugin_v1,
                                        IMGSRV_ABI_MAJOR,
                                        IMGSRV_ABI_MINOR,
                                        0,
                                        0,
                                        "org.example.v1_0",
                                        "1.0.0",
                                        "imgsrv",
                                        "Apache-2.0",
                                        component_list};
