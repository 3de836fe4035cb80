/* Counts the operations that change files below one folder, and lets the n-th of them fail, tear or never come.

   Loaded before libc (LD_PRELOAD), so that it stands below Python and below the library of tensor files alike: a patch in
   Python would see neither the writes of a buffered file nor those of a library written in Rust.

   A process arms it by a call, and those that it forks afterwards are armed as well and count with it; a call lets one of
   them go. Flushing to disk counts and may fail, but nothing is flushed: no case takes the machine's memory away, and to
   wait for a disk is most of what a case would take. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, FAIL, FULL, TEAR, KILL }; /* the n-th fails; from the n-th on the disk is full; half of it, then dead; dead */
enum { MOST = 1 << 14 };

static struct { long seen; char kinds[MOST + 1]; } *all; /* of this process and its children */
static char folder[PATH_MAX];
static size_t length;
static long at;
static int mode;

/* Begins to count below a folder; a child that nobody let go counts with its parent. */
void fault_arm(const char *where, long n, int what) {
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) abort();
    strncpy(folder, where, sizeof folder - 1);
    length = strlen(folder);
    at = n;
    mode = what;
}

/* Lets this process go, and takes it, or a child of it, back. */
void fault_release(void) { length = 0; }
void fault_resume(void) { length = strlen(folder); }

/* A letter for each operation so far: open, write, rename, make, unlink, directory removed, flush, truncate, change mode. */
const char *fault_kinds(void) { return all->kinds; }

static int below(int directory, const char *path) {
    char place[64], found[PATH_MAX];
    ssize_t size;
    if (!length) return 0;
    if (path && path[0] == '/') return strncmp(path, folder, length) == 0;
    if (path && directory == AT_FDCWD) return 0; /* the tests give absolute paths */
    snprintf(place, sizeof place, "/proc/self/fd/%d", directory);
    size = readlink(place, found, sizeof found - 1);
    return size >= (ssize_t)length && strncmp(found, folder, length) == 0;
}

/* Whether the operation is to fail, with errno set; kills where it is to kill. Some kinds need room on the disk. */
static int refused(char kind) {
    int space = strchr("owrm", kind) != NULL;
    long number = __atomic_add_fetch(&all->seen, 1, __ATOMIC_SEQ_CST);
    if (number <= MOST) all->kinds[number - 1] = kind;
    if (mode == FAIL && number == at) { errno = space ? ENOSPC : EIO; return 1; }
    if (mode == FULL && number >= at && space) { errno = ENOSPC; return 1; }
    if ((mode == KILL || mode == TEAR) && number == at) raise(SIGKILL);
    return 0;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define OPEN(name)                                                                        \
    int name(const char *path, int flags, ...) {                                          \
        REAL(name);                                                                       \
        mode_t bits = 0;                                                                  \
        if (flags & (O_CREAT | O_TMPFILE)) {                                              \
            va_list more; va_start(more, flags); bits = va_arg(more, mode_t); va_end(more); \
        }                                                                                 \
        if (flags & (O_WRONLY | O_RDWR | O_CREAT) && below(AT_FDCWD, path) && refused('o')) return -1; \
        return real(path, flags, bits);                                                   \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                      \
    int name(int directory, const char *path, int flags, ...) {                           \
        REAL(name);                                                                       \
        mode_t bits = 0;                                                                  \
        if (flags & (O_CREAT | O_TMPFILE)) {                                              \
            va_list more; va_start(more, flags); bits = va_arg(more, mode_t); va_end(more); \
        }                                                                                 \
        if (flags & (O_WRONLY | O_RDWR | O_CREAT) && below(directory, path) && refused('o')) return -1; \
        return real(directory, path, flags, bits);                                        \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                       \
    FILE *name(const char *path, const char *how) {                                       \
        REAL(name);                                                                       \
        return strpbrk(how, "wa+") && below(AT_FDCWD, path) && refused('o') ? NULL : real(path, how); \
    }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int file, const void *content, size_t size) {
    REAL(write);
    if (below(file, NULL)) {
        if (mode == TEAR && all->seen + 1 == at) {
            real(file, content, size / 2);
            raise(SIGKILL);
        }
        if (refused('w')) return -1;
    }
    return real(file, content, size);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    REAL(writev);
    if (below(file, NULL)) {
        if (mode == TEAR && all->seen + 1 == at) {
            real(file, parts, count / 2);
            raise(SIGKILL);
        }
        if (refused('w')) return -1;
    }
    return real(file, parts, count);
}

#define SENDFILE(name, offset_type)                                                       \
    ssize_t name(int to, int from, offset_type *offset, size_t size) {                    \
        REAL(name);                                                                       \
        return below(to, NULL) && refused('w') ? -1 : real(to, from, offset, size);       \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

int rename(const char *from, const char *to) { REAL(rename); return below(AT_FDCWD, to) && refused('r') ? -1 : real(from, to); }
int mkdir(const char *path, mode_t bits) { REAL(mkdir); return below(AT_FDCWD, path) && refused('m') ? -1 : real(path, bits); }
int unlink(const char *path) { REAL(unlink); return below(AT_FDCWD, path) && refused('u') ? -1 : real(path); }
int rmdir(const char *path) { REAL(rmdir); return below(AT_FDCWD, path) && refused('d') ? -1 : real(path); }
int unlinkat(int directory, const char *path, int flags) {
    REAL(unlinkat);
    return below(directory, path) && refused('u') ? -1 : real(directory, path, flags);
}
int fsync(int file) {
    REAL(fsync);
    return below(file, NULL) ? -refused('f') : real(file);
}
int ftruncate(int file, off_t size) { REAL(ftruncate); return below(file, NULL) && refused('t') ? -1 : real(file, size); }
int ftruncate64(int file, off64_t size) { REAL(ftruncate64); return below(file, NULL) && refused('t') ? -1 : real(file, size); }
int chmod(const char *path, mode_t bits) { REAL(chmod); return below(AT_FDCWD, path) && refused('c') ? -1 : real(path, bits); }
