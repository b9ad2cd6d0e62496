// The disk of a machine that dies, is slow, hangs or turns read-only: preloaded, it counts every call that changes something
// below $FAKE_DISK_ROOT, over all processes together, and does what the environment says. $FAKE_DISK_STATE is the file
// that they share. $FAKE_DISK_DELAY: microseconds that each call takes. $FAKE_DISK_READONLY: while this file is there,
// calls fail. $FAKE_DISK_AT: the call that is the last one, made or not ($FAKE_DISK_WHEN=after, before), of its process
// or of all of them ($FAKE_DISK_WHOM=caller, all); or the one for which there is no room ($FAKE_DISK_WHEN=full). Calls at
// paths that begin with $FAKE_DISK_HELD wait while the file $FAKE_DISK_HOLD is there; each
// process that waits so leaves a file of its id, $FAKE_DISK_HOLD.<id>. Files whose paths have $FAKE_DISK_BUSY in them cannot
// be removed, as files on NFS that somebody has open.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_PROCESSES = 255 };
static struct state {
    atomic_long calls;
    atomic_int processes[MOST_PROCESSES];
} *state;

static void replace(int from, int to) {
    int expected = from;
    for (int at = 0; state && at < MOST_PROCESSES; at++, expected = from)
        if (atomic_compare_exchange_strong(&state->processes[at], &expected, to)) return;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAKE_DISK_STATE");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (shared != MAP_FAILED) state = shared;
    replace(0, getpid());
}

__attribute__((destructor)) static void end(void) { replace(getpid(), 0); }

static int is(const char *name, const char *value) {
    const char *found = getenv(name);
    return found && !strcmp(found, value);
}

static void die(const char *when, long call) {
    const char *at = getenv("FAKE_DISK_AT");
    if (!at || call != atol(at) || !is("FAKE_DISK_WHEN", when)) return;
    for (int other = 0; is("FAKE_DISK_WHOM", "all") && other < MOST_PROCESSES; other++) {
        int process = atomic_load(&state->processes[other]);
        if (process && process != getpid()) kill(process, SIGKILL);
    }
    kill(getpid(), SIGKILL);
}

// The number of the call that is about to be made; 0 if it must fail.
static long before(void) {
    const char *delay = getenv("FAKE_DISK_DELAY"), *readonly = getenv("FAKE_DISK_READONLY");
    if (delay) usleep(atoi(delay));
    if (readonly && !access(readonly, F_OK)) return errno = EROFS, 0;
    long call = atomic_fetch_add(&state->calls, 1) + 1;
    const char *at = getenv("FAKE_DISK_AT");
    if (at && call == atol(at) && is("FAKE_DISK_WHEN", "full")) return errno = ENOSPC, 0;
    die("before", call);
    return call;
}

static int begins(const char *path, const char *name) {
    const char *start = getenv(name);
    return start && !strncmp(path, start, strlen(start));
}

static void wait_while_there(const char *hold) {
    char mark[4096];
    snprintf(mark, sizeof mark, "%s.%d", hold, getpid());
    for (int waits = 0; !access(hold, F_OK); waits++, usleep(10000))
        if (!waits) close(open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static int below(const char *path) {
    const char *hold = getenv("FAKE_DISK_HOLD");
    if (hold && begins(path, "FAKE_DISK_HELD")) wait_while_there(hold);
    return state && begins(path, "FAKE_DISK_ROOT");
}

static int within(int file) {
    char link[40], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return below(path);
}

// What is at `path` beside the folder `folder`, or at `path` itself.
static int beside(int folder, const char *path) {
    if (folder == AT_FDCWD || *path == '/') return below(path);
    char link[40], whole[8192];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, whole, 4096);
    if (length < 0) return 0;
    snprintf(whole + length, sizeof whole - length, "/%s", path);
    return below(whole);
}

static int is_busy(const char *path) {
    const char *busy = getenv("FAKE_DISK_BUSY");
    return busy && strstr(path, busy) && (errno = EBUSY);
}

#define CALL(type, name, concerned, ...)                                  \
    static __typeof__(&name) real;                                        \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name);         \
    if (!(concerned)) return real(__VA_ARGS__);                           \
    long call = before();                                                 \
    if (!call) return -1;                                                 \
    type result = real(__VA_ARGS__);                                      \
    die("after", call);                                                   \
    return result;

#define CHANGES (O_WRONLY | O_RDWR | O_CREAT)
#define MODE(mode, flags)                                                 \
    va_list rest;                                                         \
    va_start(rest, flags);                                                \
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;             \
    va_end(rest);

#define OPEN(name)                                                        \
    int name(const char *path, int flags, ...) {                          \
        MODE(mode, flags)                                                 \
        CALL(int, name, flags & CHANGES && below(path), path, flags, mode) \
    }

#define OPENAT(name)                                                      \
    int name(int folder, const char *path, int flags, ...) {              \
        MODE(mode, flags)                                                 \
        CALL(int, name, flags & CHANGES && beside(folder, path), folder, path, flags, mode) \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
ssize_t write(int file, const void *bytes, size_t n) { CALL(ssize_t, write, within(file), file, bytes, n) }
ssize_t writev(int file, const struct iovec *parts, int n) { CALL(ssize_t, writev, within(file), file, parts, n) }
ssize_t pwrite64(int file, const void *bytes, size_t n, off64_t at) { CALL(ssize_t, pwrite64, within(file), file, bytes, n, at) }
ssize_t copy_file_range(int from, off64_t *begin, int to, off64_t *at, size_t n, unsigned flags) {
    CALL(ssize_t, copy_file_range, within(to), from, begin, to, at, n, flags)
}
ssize_t sendfile(int to, int from, off_t *begin, size_t n) { CALL(ssize_t, sendfile, within(to), to, from, begin, n) }
ssize_t sendfile64(int to, int from, off64_t *begin, size_t n) { CALL(ssize_t, sendfile64, within(to), to, from, begin, n) }
int ftruncate64(int file, off64_t length) { CALL(int, ftruncate64, within(file), file, length) }
int fsync(int file) { CALL(int, fsync, within(file), file) }
int fdatasync(int file) { CALL(int, fdatasync, within(file), file) }
int rename(const char *from, const char *to) { CALL(int, rename, below(to), from, to) }
int renameat(int old, const char *from, int new, const char *to) { CALL(int, renameat, beside(new, to), old, from, new, to) }
int renameat2(int old, const char *from, int new, const char *to, unsigned flags) {
    CALL(int, renameat2, beside(new, to), old, from, new, to, flags)
}
int symlink(const char *to, const char *path) { CALL(int, symlink, below(path), to, path) }
int linkat(int old, const char *from, int new, const char *to, int flags) { CALL(int, linkat, beside(new, to), old, from, new, to, flags) }
int unlink(const char *path) {
    if (is_busy(path)) return -1;
    CALL(int, unlink, below(path), path)
}
int mkdir(const char *path, mode_t mode) { CALL(int, mkdir, below(path), path, mode) }
int rmdir(const char *path) { CALL(int, rmdir, below(path), path) }
int unlinkat(int folder, const char *path, int flags) {
    if (is_busy(path)) return -1;
    CALL(int, unlinkat, beside(folder, path), folder, path, flags)
}
