/* Calls of the system that fail for files whose path holds FAULT_NAME: FAULT_CALL (open, read or flock) with
   FAULT_ERRNO; reads from byte FAULT_AFTER on. Loaded before the C library (LD_PRELOAD). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_for(const char *call, const char *path) {
  const char *name = getenv("FAULT_NAME"), *wanted = getenv("FAULT_CALL");
  return name && *name && wanted && !strcmp(wanted, call) && path && strstr(path, name);
}
static int fails(void) {
  errno = atoi(getenv("FAULT_ERRNO"));
  return -1;
}
static int is_for_descriptor(const char *call, int descriptor) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_for(call, path);
}
static int is_behind(off_t end) { return end > (off_t)atoll(getenv("FAULT_AFTER")); }

int flock(int descriptor, int operation) {
  static int (*next)(int, int);
  if (!next) next = dlsym(RTLD_NEXT, "flock");
  return is_for_descriptor("flock", descriptor) && !(operation & 8) ? fails() : next(descriptor, operation);
}
ssize_t read(int descriptor, void *buffer, size_t count) {
  static ssize_t (*next)(int, void *, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "read");
  if (is_for_descriptor("read", descriptor) && is_behind(lseek(descriptor, 0, SEEK_CUR) + (off_t)count)) return fails();
  return next(descriptor, buffer, count);
}
ssize_t pread64(int descriptor, void *buffer, size_t count, off_t at) {
  static ssize_t (*next)(int, void *, size_t, off_t);
  if (!next) next = dlsym(RTLD_NEXT, "pread64");
  if (is_for_descriptor("read", descriptor) && is_behind(at + (off_t)count)) return fails();
  return next(descriptor, buffer, count, at);
}
ssize_t pread(int descriptor, void *buffer, size_t count, off_t at) { return pread64(descriptor, buffer, count, at); }
int open64(const char *path, int flags, ...) {
  static int (*next)(const char *, int, ...);
  va_list rest;
  va_start(rest, flags);
  int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
  va_end(rest);
  if (!next) next = dlsym(RTLD_NEXT, "open64");
  return is_for("open", path) ? fails() : next(path, flags, mode);
}
int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
  va_end(rest);
  return open64(path, flags, mode);
}
