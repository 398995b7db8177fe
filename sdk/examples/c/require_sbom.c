/* require_sbom - a publish step in C: refuses a version in which an artifact has no bill of materials.
 *
 * Every artifact must carry an attachment named sbom.json, or what the option `name` says. The step looks at names
 * only, so it opens no blob and puts no rows. Rules cited as P1, P2, ... stand in the sdk's ABI.md. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <imgsrv/publish_step.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_NAME 64 /* no attachment has a longer name */

/* One configured instance. It never changes after create(), so that run() needs no lock. */
struct require_sbom {
    size_t name_len;
    char name[MAX_NAME];
};

/* Fills *err and returns `code`, so that a function can end with `return fail(...)`. */
__attribute__((format(printf, 3, 4))) static imgsrv_code fail(imgsrv_error* err, imgsrv_code code, const char* format,
                                                              ...) {
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return code;
}

/* An imgsrv_str ends where its length says, not with a NUL: printed with "%.*s", STR(s). */
#define STR(s) (int)(s).len, (s).ptr

/* P8: whether to go on with the call. A step that reads blobs asks again after each block. */
static imgsrv_code check_call(const imgsrv_call* call, imgsrv_error* err) {
    if (call->cancelled(call)) return fail(err, IMGSRV_CANCELLED, "the call was cancelled");
    if (call->deadline_ns != 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec >= call->deadline_ns) {
            if (err != NULL) err->flags |= IMGSRV_ERR_RETRYABLE;
            return fail(err, IMGSRV_DEADLINE, "the call's deadline has passed");
        }
    }
    return IMGSRV_OK;
}

static int has_attachment(const imgsrv_artifact* artifact, const struct require_sbom* self) {
    for (const imgsrv_attachment* const* at = artifact->attachments; *at != NULL; ++at) {
        const imgsrv_str name = (*at)->name;
        if (name.len == self->name_len && memcmp(name.ptr, self->name, name.len) == 0) return 1;
    }
    return 0;
}

static imgsrv_code run(void* instance, const imgsrv_call* call, const imgsrv_step_run* version, imgsrv_error* err) {
    const struct require_sbom* self = instance;
    const imgsrv_code code = check_call(call, err);
    if (code != IMGSRV_OK) return code;

    const imgsrv_artifact* first = NULL;
    unsigned long lacking = 0;
    for (const imgsrv_artifact* const* at = version->artifacts; *at != NULL; ++at) {
        if (has_attachment(*at, self)) continue;
        if (lacking++ == 0) first = *at;
    }
    if (lacking == 0) return IMGSRV_OK;

    /* P5: the publisher reads this; it names what to mend. */
    return fail(err, IMGSRV_FAILED_PRECONDITION,
                "artifact %.*s/%.*s/%.*s %.*s has no attachment named %.*s (artifacts without it: %lu)", STR(first->os),
                STR(first->architecture), STR(first->variant), STR(first->format), (int)self->name_len, self->name,
                lacking);
}

static imgsrv_code create(const imgsrv_host* host, const char* instance, const imgsrv_config* config,
                          const imgsrv_call* call, void** ret_self, imgsrv_error* err) {
    (void)host;
    (void)instance;
    (void)call;
    /* The host has checked that the option is a string and put in the default. What it lends is gone after create(). */
    imgsrv_str name = {NULL, 0};
    const imgsrv_code code = config->get_str(config->ctx, "name", &name);
    if (code != IMGSRV_OK) return fail(err, code, "option 'name' cannot be read");
    if (name.len == 0 || name.len > MAX_NAME) {
        return fail(err, IMGSRV_INVALID_ARGUMENT, "option 'name' must have 1 to %d bytes, it has %zu", MAX_NAME,
                    name.len);
    }
    struct require_sbom* self = malloc(sizeof *self);
    if (self == NULL) return fail(err, IMGSRV_UNAVAILABLE, "out of memory");
    self->name_len = name.len;
    memcpy(self->name, name.ptr, name.len);
    *ret_self = self;
    return IMGSRV_OK;
}

static void destroy(void* self) {
    free(self);
}

/* All tables are constant data: the host reads them before it runs a line of this file. Every struct that begins with
 * struct_size says here how large it was when this file was compiled, and members not named are zero: that is how an
 * old plugin and a new host understand each other. */
static const imgsrv_option name_option = {
    .struct_size = sizeof name_option,
    .type = IMGSRV_OPT_STRING,
    .key = "name",
    .default_text = "sbom.json",
    .help = "Name of the attachment that every artifact must have",
};
static const imgsrv_option* const options[] = {&name_option, NULL};

static const imgsrv_publish_step step = {
    .struct_size = sizeof step,
    .run = run,
};

static const imgsrv_component component = {
    .struct_size = sizeof component,
    .kind = IMGSRV_KIND_PUBLISH_STEP,
    .name = "require_sbom",
    .options = options,
    .vtable = &step,
    .create = create,
    .destroy = destroy,
};
static const imgsrv_component* const components[] = {&component, NULL};

const imgsrv_plugin imgsrv_plugin_v1 = {
    .magic = IMGSRV_PLUGIN_MAGIC,
    .struct_size = sizeof imgsrv_plugin_v1,
    .abi_major = IMGSRV_ABI_MAJOR,
    .abi_minor = IMGSRV_ABI_MINOR,
    .host_minor_min = 0, /* uses nothing that 1.0 did not have */
    .id = "org.example.require_sbom",
    .version = "1.0.0",
    .vendor = "Example",
    .license = "MIT",
    .components = components,
};
