/* A disk that is full from the N-th write on, for libraries in C as well.

Preloaded into a process, it counts what writes below the folder DISK: new files and
folders, bytes, flushes, renames. From the number FULL_AT on, they fail as on a full disk;
0 only counts. Both variables are read by disk_begin().
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char disk[PATH_MAX];
static long full_at;
static long count;

void disk_begin(void) {
  const char *at = getenv("FULL_AT"), *folder = getenv("DISK");
  snprintf(disk, sizeof disk, "%s", at && folder ? folder : "");
  full_at = at ? atol(at) : 0;
  count = 0;
}

long disk_writes(void) { return count; }

__attribute__((constructor)) static void begin(void) { disk_begin(); }

static int is_full(const char *path) {
  char absolute[2 * PATH_MAX];
  if (!disk[0]) return 0;
  if (path[0] != '/') {
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here)) return 0;
    snprintf(absolute, sizeof absolute, "%s/%s", here, path);
    path = absolute;
  }
  if (strncmp(path, disk, strlen(disk))) return 0;
  long number = __sync_add_and_fetch(&count, 1);
  if (!full_at || number < full_at) return 0;
  errno = ENOSPC;
  return 1;
}

static int is_full_for(int file) {
  char name[64], path[PATH_MAX];
  if (!disk[0]) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  ssize_t size = readlink(name, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  return is_full(path);
}

#define CALL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                        \
  int name(const char *path, int flags, ...) {                            \
    va_list more;                                                         \
    va_start(more, flags);                                                \
    mode_t mode = va_arg(more, mode_t);                                   \
    va_end(more);                                                         \
    if (flags & O_CREAT && access(path, F_OK) && is_full(path)) return -1; \
    return CALL(name)(path, flags, mode);                                 \
  }

#define OPENAT(name)                                                      \
  int name(int folder, const char *path, int flags, ...) {                \
    va_list more;                                                         \
    va_start(more, flags);                                                \
    mode_t mode = va_arg(more, mode_t);                                   \
    va_end(more);                                                         \
    int is_new = flags & O_CREAT && faccessat(folder, path, F_OK, 0);     \
    if (is_new && is_full(path)) return -1;                               \
    return CALL(name)(folder, path, flags, mode);                         \
  }

#define WRITER(type, name, file, parameters, arguments) \
  type name parameters { return is_full_for(file) ? -1 : CALL(name) arguments; }

#define MAKER(name, path, parameters, arguments) \
  int name parameters { return is_full(path) ? -1 : CALL(name) arguments; }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
WRITER(ssize_t, write, f, (int f, const void *b, size_t n), (f, b, n))
WRITER(ssize_t, pwrite, f, (int f, const void *b, size_t n, off_t o), (f, b, n, o))
WRITER(ssize_t, pwrite64, f, (int f, const void *b, size_t n, off64_t o), (f, b, n, o))
WRITER(ssize_t, writev, f, (int f, const struct iovec *v, int n), (f, v, n))
WRITER(ssize_t, sendfile, f, (int f, int g, off_t *o, size_t n), (f, g, o, n))
WRITER(ssize_t, sendfile64, f, (int f, int g, off64_t *o, size_t n), (f, g, o, n))
WRITER(int, ftruncate, f, (int f, off_t n), (f, n))
WRITER(int, ftruncate64, f, (int f, off64_t n), (f, n))
WRITER(int, fsync, f, (int f), (f))
WRITER(int, fdatasync, f, (int f), (f))
MAKER(mkdir, path, (const char *path, mode_t m), (path, m))
MAKER(rename, path, (const char *old, const char *path), (old, path))
