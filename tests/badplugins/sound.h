// A sound plugin with one authenticator that knows nobody, in plain C. Each file of this folder includes it after
// defining the one detail that it gets wrong.
#include <imgsrv/auth.h>

#ifndef MAGIC
#define MAGIC IMGSRV_PLUGIN_MAGIC
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(imgsrv_plugin)
#endif
#ifndef ABI_MAJOR
#define ABI_MAJOR IMGSRV_ABI_MAJOR
#endif
#ifndef ABI_MINOR
#define ABI_MINOR IMGSRV_ABI_MINOR
#endif
#ifndef HOST_MINOR_MIN
#define HOST_MINOR_MIN 0
#endif
#ifndef ID
#define ID "org.example.bad"
#endif
#ifndef VERSION
#define VERSION "1"
#endif
#ifndef COMPONENT_SIZE
#define COMPONENT_SIZE sizeof(imgsrv_component)
#endif
#ifndef KIND
#define KIND IMGSRV_KIND_AUTH
#endif
#ifndef NAME
#define NAME "nobody"
#endif
#ifndef OPTIONS
#define OPTIONS 0
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(imgsrv_auth)
#endif
#ifndef TABLE
#define TABLE &table
#endif
#ifndef AUTHENTICATE
#define AUTHENTICATE authenticate
#endif
#ifndef SELF
#define SELF &instance
#endif
#ifndef CREATE
#define CREATE create
#endif
#ifndef COMPONENTS
#define COMPONENTS components
#endif

static int instance;

static inline imgsrv_code authenticate(void* self, const imgsrv_call* call, const imgsrv_credential* credential,
                                       int32_t* ret_verdict, imgsrv_principal_sink* out,
                                       imgsrv_error* err) IMGSRV_NOEXCEPT {
    (void)self, (void)call, (void)credential, (void)out, (void)err;
    *ret_verdict = IMGSRV_AUTH_NOT_MINE;
    return IMGSRV_OK;
}

static inline imgsrv_code create(const imgsrv_host* host, const char* name, const imgsrv_config* config,
                                 const imgsrv_call* call, void** ret_self, imgsrv_error* err) IMGSRV_NOEXCEPT {
    (void)host, (void)name, (void)config, (void)call, (void)err, (void)instance;
    *ret_self = SELF;
    return IMGSRV_OK;
}

static void destroy(void* self) IMGSRV_NOEXCEPT {
    (void)self;
}

static const imgsrv_auth table = {TABLE_SIZE, 0, AUTHENTICATE, 0};
static const imgsrv_component component = {COMPONENT_SIZE, KIND, 0, 0, NAME, OPTIONS, TABLE, CREATE, destroy, 0, 0};
static const imgsrv_component* const components[] = {&component, 0};

const imgsrv_plugin imgsrv_plugin_v1 = {
    MAGIC, PLUGIN_SIZE, ABI_MAJOR, ABI_MINOR, HOST_MINOR_MIN, 0, ID, VERSION, 0, 0, COMPONENTS,
};

// Some of the tables are not in use where they are replaced.
__attribute__((unused)) static const void* const used[] = {&table, components};
