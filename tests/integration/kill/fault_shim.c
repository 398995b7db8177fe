// Loaded into the server with LD_PRELOAD: counts every call that changes stored data, and kills the process with SIGKILL
// just before the call that the test planned. So a test can stop the server between any two writes, and sweep through
// all of them. Test and server share `struct control`, mapped from the file named by FAULT_SHIM_CONTROL; faults.py is the
// test's end, and calls the functions below that begin with fault_shim_.
//
// Counted are the calls that change a file system; with FAULT_SHIM_SENDS set, instead, what the process sends on
// connections that it has opened itself: to its database and its object store.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { kRecent = 4096 };

// What `plan` holds when it is not the number of the call to die at.
#define DISARMED UINT64_C(0)
#define DIED UINT64_MAX  // or is about to: nothing but death follows

struct control {
    _Atomic uint64_t calls;           // so far, over all processes that mapped the file
    _Atomic uint64_t plan;            // taken by one exchange, either by the call that dies or by the test that disarms
    _Atomic uint32_t torn;            // 1: half of a write is done before the process dies
    _Atomic uint32_t kind;            // of the call that took the plan
    _Atomic uint8_t recent[kRecent];  // the kind of call n at (n - 1) % kRecent
};

// Kinds as faults.py names them.
enum { kWrite = 1, kSync, kRename, kLink, kUnlink, kTruncate, kAllocate, kMakeFolder, kCreate, kCopyRange, kSend };

static struct control* control;
static bool counts_sends;
enum { kMaxFd = 65536 };
static _Atomic bool opened[kMaxFd];  // by connect()

__attribute__((constructor)) static void map_control(void) {
    const char* path = getenv("FAULT_SHIM_CONTROL");
    if (!path) return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) abort();
    void* at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED) abort();
    control = at;
    counts_sends = getenv("FAULT_SHIM_SENDS") != NULL;
}

_Noreturn static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// The process dies at the first call from the planned one on, so that a plan made while calls go on is not missed.
void fault_shim_arm(struct control* shared, uint64_t more, uint32_t torn) {
    atomic_store(&shared->torn, torn);
    atomic_store(&shared->plan, atomic_load(&shared->calls) + more + 1);
}

// 1: it was too late, a process has taken the plan and dies of it. 0: no process will.
int fault_shim_disarm(struct control* shared) {
    return atomic_exchange(&shared->plan, DISARMED) == DIED;
}

static bool take_plan(uint64_t call) {
    uint64_t plan = atomic_load(&control->plan);
    return plan != DISARMED && plan != DIED && call >= plan &&
           atomic_compare_exchange_strong(&control->plan, &plan, DIED);
}

// 1: this is the call to die at, and half of it is wanted first.
static int count(uint32_t kind) {
    if (!control || counts_sends != (kind == kSend)) return 0;
    const uint64_t n = atomic_fetch_add(&control->calls, 1) + 1;
    atomic_store(&control->recent[(n - 1) % kRecent], (uint8_t)kind);
    if (!take_plan(n)) return 0;
    atomic_store(&control->kind, kind);
    if ((kind == kWrite || kind == kSend) && atomic_load(&control->torn)) return 1;
    die();
}

// NEXT(name): the function that this file stands in front of.
#define NEXT(name)                 \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define STAND_IN(kind, result, name, parameters, arguments) \
    result name parameters {                                \
        NEXT(name);                                         \
        count(kind);                                        \
        return next arguments;                              \
    }

#define STAND_IN_WRITE(name, offset_type)                                     \
    ssize_t name(int fd, const void* data, size_t size, offset_type offset) { \
        NEXT(name);                                                           \
        if (count(kWrite)) {                                                  \
            next(fd, data, size / 2, offset);                                 \
            die();                                                            \
        }                                                                     \
        return next(fd, data, size, offset);                                  \
    }

STAND_IN_WRITE(pwrite, off_t)
STAND_IN_WRITE(pwrite64, off64_t)
STAND_IN(kSync, int, fsync, (int fd), (fd))
STAND_IN(kSync, int, fdatasync, (int fd), (fd))
STAND_IN(kRename, int, rename, (const char* from, const char* to), (from, to))
STAND_IN(kRename, int, renameat, (int d, const char* from, int e, const char* to), (d, from, e, to))
STAND_IN(kRename, int, renameat2, (int d, const char* from, int e, const char* to, unsigned f), (d, from, e, to, f))
STAND_IN(kLink, int, link, (const char* from, const char* to), (from, to))
STAND_IN(kLink, int, linkat, (int d, const char* from, int e, const char* to, int f), (d, from, e, to, f))
STAND_IN(kUnlink, int, unlink, (const char* path), (path))
STAND_IN(kUnlink, int, unlinkat, (int d, const char* path, int f), (d, path, f))
STAND_IN(kUnlink, int, rmdir, (const char* path), (path))
STAND_IN(kTruncate, int, ftruncate, (int fd, off_t size), (fd, size))
STAND_IN(kTruncate, int, ftruncate64, (int fd, off64_t size), (fd, size))
STAND_IN(kAllocate, int, fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
STAND_IN(kAllocate, int, fallocate64, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size))
STAND_IN(kAllocate, int, posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size))
STAND_IN(kMakeFolder, int, mkdir, (const char* path, mode_t mode), (path, mode))
STAND_IN(kMakeFolder, int, mkdirat, (int d, const char* path, mode_t mode), (d, path, mode))
STAND_IN(kCopyRange, ssize_t, copy_file_range, (int in, off64_t* a, int out, off64_t* b, size_t n, unsigned f),
         (in, a, out, b, n, f))

static void note(int fd, bool is_opened) {
    if (fd >= 0 && fd < kMaxFd) atomic_store(&opened[fd], is_opened);
}

int connect(int fd, const struct sockaddr* address, socklen_t size) {
    NEXT(connect);
    note(fd, true);
    return next(fd, address, size);
}

int accept4(int listener, struct sockaddr* address, socklen_t* size, int flags) {
    NEXT(accept4);
    const int fd = next(listener, address, size, flags);
    note(fd, false);
    return fd;
}

ssize_t send(int fd, const void* data, size_t size, int flags) {
    NEXT(send);
    if (fd >= 0 && fd < kMaxFd && atomic_load(&opened[fd]) && count(kSend)) {
        next(fd, data, size / 2, flags);
        die();
    }
    return next(fd, data, size, flags);
}

#define STAND_IN_OPEN(name, parameters, arguments, last) \
    int name parameters {                                \
        NEXT(name);                                      \
        mode_t mode = 0;                                 \
        if (flags & (O_CREAT | O_TMPFILE)) {             \
            va_list rest;                                \
            va_start(rest, last);                        \
            mode = va_arg(rest, mode_t);                 \
            va_end(rest);                                \
        }                                                \
        if (flags & O_CREAT) count(kCreate);             \
        return next arguments;                           \
    }

STAND_IN_OPEN(open, (const char* path, int flags, ...), (path, flags, mode), flags)
STAND_IN_OPEN(open64, (const char* path, int flags, ...), (path, flags, mode), flags)
STAND_IN_OPEN(openat, (int d, const char* path, int flags, ...), (d, path, flags, mode), flags)
STAND_IN_OPEN(openat64, (int d, const char* path, int flags, ...), (d, path, flags, mode), flags)
