// A host of its own on a file system whose locks are local to each host (Lustre `localflock`, NFS `nolock`): preloaded, every lock
// succeeds and keeps nobody out, and the kernel is another one, of the name in the file $HOST_FILE.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int flock(int file, int operation) {
    (void)file;
    (void)operation;
    return 0;
}

static const char *seen(const char *path) {
    const char *name = getenv("HOST_FILE");
    int of_host = !strcmp(path, "/proc/sys/kernel/hostname") || !strcmp(path, "/proc/sys/kernel/random/boot_id");
    return name && of_host ? name : path;
}

#define OPEN(function)                                                                      \
    int function(const char *path, int flags, ...) {                                        \
        static int (*real)(const char *, int, ...);                                         \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #function);     \
        va_list more;                                                                       \
        va_start(more, flags);                                                              \
        mode_t mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0; \
        va_end(more);                                                                       \
        return real(seen(path), flags, mode);                                               \
    }

OPEN(open)
OPEN(open64)
