// A file system without locks, as Lustre is without `-o flock`: preloaded, every lock is refused.
#include <errno.h>

int flock(int file, int operation) {
    (void)file;
    (void)operation;
    errno = EOPNOTSUPP;
    return -1;
}
